"""How long, how fast, and what is minimised."""

from trainer_service.jobs.learning_spec import SimClrSpec
from trainer_service.jobs.spec import DEFAULT_BATCH_SIZE
from trainer_service.train_form.field import FormField, FormSection, switch, when
from trainer_service.train_form.loss_fields import LOSS
from trainer_service.train_form.optimizer_fields import OPTIMIZER, SCHEDULE

LENGTH = (
    FormField(
        path="numEpochs",
        label="Epochs",
        help="Passes over the training images.",
        kind="integer",
        minimum=1,
        is_required=True,
        unit="epochs",
        shown_when=when("numSteps", None),
        flag="--epochs",
    ),
    FormField(
        path="batchSize",
        label="Batch size",
        help="Images that one step of the optimizer sees, on all devices together.",
        kind="integer",
        default=DEFAULT_BATCH_SIZE,
        minimum=1,
        unit="images",
        flag="--batch-size",
    ),
    FormField(
        path="numSteps",
        label="Steps",
        help="Optimizer steps instead of epochs.",
        kind="integer",
        minimum=1,
        unit="steps",
        is_advanced=True,
        flag="--steps",
    ),
    FormField(
        path="validationEveryEpochs",
        label="Validate every",
        help="There is always one before the first step and one after the last.",
        kind="integer",
        default=1,
        minimum=1,
        unit="epochs",
        is_advanced=True,
        flag="--validate-every",
    ),
)

STOPPING = (
    FormField(
        path="earlyStopping.patienceEpochs",
        label="Early stopping",
        help="After so many epochs without a better validation; all are trained where empty.",
        kind="integer",
        minimum=1,
        unit="epochs",
        flag="--early-stopping",
    ),
    FormField(
        path="earlyStopping.metric",
        label="What is to improve",
        help="Such as loss; the task's main metric where empty.",
        kind="text",
        is_advanced=True,
        flag="--early-stopping-metric",
    ),
    FormField(
        path="earlyStopping.minDelta",
        label="Least improvement",
        help="Smaller ones are none.",
        kind="number",
        default=0.0,
        minimum=0,
        is_advanced=True,
        flag="--min-delta",
    ),
)

CONTRASTIVE = (
    FormField(
        path="simclr.temperature",
        label="Temperature",
        help="Of the contrastive loss.",
        kind="number",
        default=SimClrSpec().temperature,
        minimum=0,
        shown_when=when("simclr", True),
        flag="--temperature",
    ),
    FormField(
        path="simclr.projectionUnits",
        label="Projection layers",
        help="Their widths, a line each; the width of the features, then 128, where empty.",
        kind="list",
        shown_when=when("simclr", True),
        is_advanced=True,
        flag="--projection",
    ),
    FormField(
        path="simclr.numNeighbours",
        label="Neighbours of the probe",
        help="That classifies labelled images by their nearest training images.",
        kind="integer",
        default=SimClrSpec().num_neighbours,
        minimum=1,
        shown_when=when("simclr", True),
        is_advanced=True,
        flag="--neighbours",
    ),
    FormField(
        path="simclr.ignoreCollapse",
        label="Go on after a collapse",
        help="What happens when all features have become the same.",
        kind="toggle",
        default=False,
        choices=switch("The job warns and goes on.", "The job fails."),
        shown_when=when("simclr", True),
        is_advanced=True,
        flag="--ignore-collapse",
    ),
)

TRAINING = FormSection(
    id="training",
    label="Training",
    help="How long, how fast, and what is minimised.",
    fields=(*LENGTH, *OPTIMIZER, *SCHEDULE, *STOPPING, *CONTRASTIVE, *LOSS),
)
