"""Which model, and the two switches that matter most."""

from trainer_service.train_form.field import FormChoice, FormField, FormSection, switch, when

PRETRAINED = when("model.pretrained", True)

MODEL = FormSection(
    id="model",
    label="Model",
    help="What is trained, and from which numbers it starts.",
    fields=(
        FormField(
            path="model.backbone",
            label="Architecture",
            help="Such as resnet50. The catalog lists all that there are.",
            kind="architecture",
            is_required=True,
            flag="--backbone",
        ),
        FormField(
            path="model.pretrained",
            label="Use pretrained weights",
            help="Start from published or registered weights, or from random numbers.",
            kind="toggle",
            default=True,
            choices=switch(
                "Model initialized with ImageNet weights for faster convergence.",
                "Model initialized with random weights. Requires more training data.",
                on_advice="Most cases: better results from less data.",
                off_advice="A huge data set, and no weights that have seen anything like it.",
            ),
            flag="--pretrained",
        ),
        FormField(
            path="model.freezeBackbone",
            label="Freeze backbone",
            help="Whether the pretrained part keeps its numbers. Off, `What trains` says how much.",
            kind="toggle",
            default=False,
            choices=switch(
                "Only the final layers will be trained. Use for very small datasets.",
                "All layers will be fine-tuned.",
                on_advice=(
                    "Under about 100 images that are much like what the weights have seen, or where"
                    " fine-tuning overfits."
                ),
                off_advice="Most cases, from moderate amounts of data on.",
            ),
            shown_when=PRETRAINED,
            flag="--freeze",
        ),
        FormField(
            path="model.weights",
            label="Weights",
            help="What to start from; the architecture's default weights where nothing is chosen.",
            kind="weights",
            shown_when=PRETRAINED,
            flag="--weights",
        ),
        FormField(
            path="model.imageHeightPx",
            label="Image height",
            help="The size that the model sees; the weights' own where both sides are empty.",
            kind="integer",
            unit="px",
            minimum=1,
            flag="--size",
        ),
        FormField(
            path="model.imageWidthPx",
            label="Image width",
            help="Both sides or none.",
            kind="integer",
            unit="px",
            minimum=1,
            flag="--size",
        ),
        FormField(
            path="model.seed",
            label="Model seed",
            help="Draws the new head, and the backbone where there are no weights.",
            kind="integer",
            default=0,
            minimum=0,
            is_advanced=True,
            flag="--model-seed",
        ),
        FormField(
            path="model.allowPartial",
            label="Accept partial weights",
            help="Whether weights may cover less than the whole backbone.",
            kind="toggle",
            default=False,
            choices=switch(
                "What is missing is drawn at random, and reported.",
                "Weights that miss a part of the backbone are refused.",
            ),
            shown_when=PRETRAINED,
            is_advanced=True,
            flag="--allow-partial",
        ),
        FormField(
            path="model.auxHeads",
            label="Auxiliary heads",
            help="Heads that are used in training only, such as those of FCN and DeepLab.",
            kind="choice",
            choices=(
                FormChoice(
                    value=None, label="As usual", help="Kept for segmentation, else dropped."
                ),
                FormChoice(value="keep", label="Keep", help="They train along; segmentation only."),
                FormChoice(value="drop", label="Drop", help="The model has none."),
            ),
            shown_when=when("model", "segmentation"),
            is_advanced=True,
            flag="--aux",
        ),
        FormField(
            path="model.removeModules",
            label="Modules to remove",
            help="Paths of modules that become Identity, a line each.",
            kind="list",
            is_advanced=True,
            flag="--remove",
        ),
    ),
)
