"""Which parts train, with the advice when to use which."""

from catalog_service.models.freeze_mode import DEFAULT_LR_SCALE
from trainer_service.train_form.field import FormChoice, FormField, FormSection, when

THAWED = when("model.pretrained", True) + when("model.freezeBackbone", False)
"""A frozen backbone and one of random numbers have their mode already."""

MODES = (
    FormChoice(
        value="full",
        label="Everything",
        help="All layers are fine-tuned.",
        advice=(
            "Moderate to large data, or images much unlike what the weights have seen, such as"
            " medical or satellite ones."
        ),
    ),
    FormChoice(
        value="lastBlocks",
        label="Last stages",
        help="The last stages of the backbone and the head train; the first ones stay.",
        advice="A moderate amount of data from another domain than the weights'.",
    ),
    FormChoice(
        value="gradual",
        label="Gradually more",
        help=(
            "First the head; unless steps say otherwise, after a third of the epochs the last stage"
            " too, after two thirds everything."
        ),
        advice=(
            "A moderate amount of data, where fine-tuning everything at once overfits or forgets:"
            " the new head settles before the backbone moves."
        ),
    ),
    FormChoice(
        value="normOnly",
        label="Norms only",
        help="The weights and biases of all norms and the head train; statistics stay.",
        advice="Little data whose colours or sensor differ from what the weights have seen.",
    ),
    FormChoice(
        value="custom",
        label="By name",
        help="The head trains, and what the patterns name.",
        advice="When you know which layers.",
    ),
)

CLOCKS = (
    FormChoice(value="afterEpochs", label="After epochs"),
    FormChoice(value="afterSteps", label="After steps", help="Of the optimizer."),
    FormChoice(
        value="afterPlateauEpochs",
        label="After a plateau",
        help="After so many epochs without a better validation.",
        advice="When you do not know how long the head needs.",
    ),
)


def _clock(path: str, label: str, text: str, unit: str) -> FormField:
    """Return how long a step of the gradual mode waits, by one of its clocks."""
    return FormField(
        path=path,
        label=label,
        help=text,
        kind="integer",
        minimum=1,
        unit=unit,
        is_required=True,
        shown_when=when("", path),
    )


GRADUAL_STEPS = FormField(
    path="freeze.gradual.steps",
    label="Steps",
    help="From when on how much trains; where there are none, as the mode says.",
    kind="table",
    shown_when=(*THAWED, *when("freeze", "gradual")),
    flag="--freeze",
    row=(
        FormField(
            path="",
            label="When",
            help="What is waited for.",
            kind="choice",
            is_required=True,
            choices=CLOCKS,
        ),
        _clock("afterEpochs", "Epochs", "Counted from the start.", "epochs"),
        _clock("afterSteps", "Steps", "Counted from the start.", "steps"),
        _clock(
            "afterPlateauEpochs",
            "Epochs without progress",
            "Of the task's main metric on the validation images.",
            "epochs",
        ),
        FormField(
            path="numBlocks",
            label="Stages that train",
            help="Counted from the head; 0 is everything.",
            kind="integer",
            default=0,
            minimum=0,
        ),
        FormField(
            path="lrScale",
            label="Learning rate times",
            help="For what becomes trainable here.",
            kind="number",
            default=DEFAULT_LR_SCALE,
            minimum=0,
        ),
    ),
)

FREEZING = FormSection(
    id="freezing",
    label="What trains",
    help="A plan, enforced: a frozen tensor or statistic that changes fails the job.",
    fields=(
        FormField(
            path="freeze",
            label="What trains",
            help="How much of the pretrained backbone moves.",
            kind="choice",
            default="full",
            choices=MODES,
            shown_when=THAWED,
            flag="--freeze",
        ),
        FormField(
            path="freeze.lastBlocks.numBlocks",
            label="Stages that train",
            help="Counted from the head.",
            kind="integer",
            minimum=1,
            is_required=True,
            shown_when=(*THAWED, *when("freeze", "lastBlocks")),
            flag="--freeze",
        ),
        GRADUAL_STEPS,
        FormField(
            path="freeze.custom.trainable",
            label="Names that train",
            help="Module paths or parameter names, a line each; `*` is any part, `**` any parts.",
            kind="list",
            is_required=True,
            shown_when=(*THAWED, *when("freeze", "custom")),
            flag="--freeze",
        ),
        FormField(
            path="freeze.custom.frozen",
            label="Except",
            help="Names that stay frozen all the same.",
            kind="list",
            shown_when=(*THAWED, *when("freeze", "custom")),
            flag="--freeze",
        ),
        FormField(
            path="freeze.norm",
            label="Batch norm",
            help="Those of frozen parts never move, but for the one pass of `Set once`.",
            kind="choice",
            choices=(
                FormChoice(
                    value=None,
                    label="As usual",
                    help="They move where the whole backbone trains from the start, else not.",
                ),
                FormChoice(
                    value="NORM_POLICY_BATCH_STATISTICS",
                    label="Move",
                    help="Trainable batch norms train as usual.",
                    advice="From 16 images a step on; smaller batches make statistics noisy.",
                ),
                FormChoice(
                    value="NORM_POLICY_FROZEN_STATISTICS",
                    label="Stay",
                    help="The backbone's statistics stay as they were stored.",
                    advice="Small batches.",
                ),
                FormChoice(
                    value="NORM_POLICY_RECALIBRATE",
                    label="Set once",
                    help="One pass over the training images sets them before the first step.",
                    advice="Images whose brightness or contrast differ from what the weights saw.",
                ),
            ),
            is_advanced=True,
            flag="--norm",
        ),
    ),
)
