"""What is minimised."""

from trainer_service.jobs.learning_spec import DEFAULT_IGNORE_INDEX, MAX_IGNORE_INDEX
from trainer_service.train_form.field import FormChoice, FormField, when

WITH_LABELS = when("simclr", False)
USUAL = FormChoice(value=None, label="The task's usual one")

LOSS = (
    FormField(
        path="loss.kind",
        label="Loss",
        help="What is minimised. Detectors have their own.",
        kind="choice",
        choices=(
            USUAL,
            FormChoice(value="KIND_CROSS_ENTROPY", label="Cross-entropy"),
            FormChoice(
                value="KIND_BCE",
                label="Binary cross-entropy",
                help="Of every class against the rest.",
            ),
            FormChoice(value="KIND_DICE", label="Dice", help="Segmentation."),
            FormChoice(value="KIND_BCE_DICE", label="BCE and Dice", help="Segmentation."),
            FormChoice(
                value="KIND_CROSS_ENTROPY_DICE",
                label="Cross-entropy and Dice",
                help="Segmentation.",
            ),
            FormChoice(value="KIND_SMOOTH_L1", label="Smooth L1", help="Regression."),
            FormChoice(value="KIND_L1", label="L1", help="Regression."),
            FormChoice(value="KIND_MSE", label="Squared error", help="Regression."),
        ),
        shown_when=(*WITH_LABELS, *when("model", "classification", "regression", "segmentation")),
        flag="--loss",
    ),
    FormField(
        path="loss.labelSmoothing",
        label="Label smoothing",
        help="How much of the target is spread over all classes. Cross-entropy only.",
        kind="number",
        default=0.0,
        minimum=0,
        maximum=1,
        shown_when=(*WITH_LABELS, *when("model", "classification", "segmentation")),
        is_advanced=True,
        flag="--label-smoothing",
    ),
    FormField(
        path="loss.classWeights.rule",
        label="Class weights",
        help="How much each class counts.",
        kind="choice",
        default="RULE_NONE",
        choices=(
            FormChoice(value="RULE_NONE", label="Equal"),
            FormChoice(
                value="RULE_BALANCED", label="Balanced", help="By the inverse of their frequency."
            ),
            FormChoice(
                value="RULE_EFFECTIVE", label="Effective", help="By the effective number of images."
            ),
            FormChoice(value="RULE_EXPLICIT", label="By hand", help="A number for every class."),
        ),
        shown_when=(*WITH_LABELS, *when("model", "classification", "segmentation")),
        is_advanced=True,
        flag="--class-weights",
    ),
    FormField(
        path="loss.classWeights.weights",
        label="Weights of the classes",
        help="In class order, a line each.",
        kind="list",
        is_required=True,
        shown_when=(
            *WITH_LABELS,
            *when("model", "classification", "segmentation"),
            *when("loss.classWeights.rule", "RULE_EXPLICIT"),
        ),
        is_advanced=True,
        flag="--class-weights",
    ),
    FormField(
        path="loss.ignoreIndex",
        label="Mask value to ignore",
        help="Pixels of this value count for nothing.",
        kind="integer",
        default=DEFAULT_IGNORE_INDEX,
        minimum=0,
        maximum=MAX_IGNORE_INDEX,
        shown_when=(*WITH_LABELS, *when("model", "segmentation")),
        is_advanced=True,
        flag="--ignore-index",
    ),
)
