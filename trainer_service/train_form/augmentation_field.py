"""The augmentation in steps: a row a step, with the settings of its kind."""

from trainer_service.jobs.learning_spec import AugmentationStep
from trainer_service.train_form.field import FormChoice, FormField, when

CROP = AugmentationStep(kind="random_resized_crop")
BLUR = AugmentationStep(kind="gaussian_blur")


def _number(
    path: str,
    label: str,
    text: str,
    default: float | None = None,
    *,
    maximum: float = 1,
    unit: str = "",
) -> FormField:
    """Return a number of one kind of step; one without a default is required."""
    return FormField(
        path=path,
        label=label,
        help=text,
        kind="number",
        default=default,
        minimum=0,
        maximum=maximum,
        unit=unit,
        is_required=default is None,
        shown_when=when("", path.split(".")[0]),
    )


def _probability(kind: str, default: float) -> FormField:
    return _number(f"{kind}.probability", "Probability", "How many of the images change.", default)


STEPS = (
    FormChoice(
        value="randomResizedCrop", label="Crop", help="A part of the image, resized to the whole."
    ),
    FormChoice(
        value="horizontalFlip",
        label="Flip left and right",
        advice="Pictures whose left and right mean nothing.",
    ),
    FormChoice(
        value="verticalFlip",
        label="Flip top and bottom",
        advice="Pictures from above, such as from satellites or microscopes.",
    ),
    FormChoice(value="shift", label="Shift", help="Padded by reflection."),
    FormChoice(value="rotation", label="Rotate", help="About the middle; corners are black."),
    FormChoice(
        value="colorJitter",
        label="Jitter colours",
        help="Factors from 1 - x to 1 + x; the hue moves by up to x of the circle.",
    ),
    FormChoice(value="grayscale", label="To greys"),
    FormChoice(value="gaussianBlur", label="Blur", help="By a Gaussian."),
)

SETTINGS = (
    _number("randomResizedCrop.minScale", "Smallest area", "Of the image's.", CROP.scale[0]),
    _number("randomResizedCrop.maxScale", "Largest area", "Of the image's.", CROP.scale[1]),
    _number(
        "randomResizedCrop.minRatio",
        "Least ratio",
        "Width over height.",
        CROP.ratio[0],
        maximum=100,
    ),
    _number(
        "randomResizedCrop.maxRatio", "Most ratio", "Width over height.", CROP.ratio[1], maximum=100
    ),
    _probability("horizontalFlip", 0.5),
    _probability("verticalFlip", 0.5),
    _number("shift.maxShare", "Farthest", "As a share of the side.", 1 / 8),
    _number("rotation.maxDegrees", "Farthest", "Either way.", maximum=180, unit="degrees"),
    _number("colorJitter.brightness", "Brightness", "By up to this share.", 0.0),
    _number("colorJitter.contrast", "Contrast", "By up to this share.", 0.0),
    _number("colorJitter.saturation", "Saturation", "By up to this share.", 0.0),
    _number("colorJitter.hue", "Hue", "By up to this share of the circle.", 0.0, maximum=0.5),
    _probability("colorJitter", 1.0),
    _probability("grayscale", 0.2),
    _probability("gaussianBlur", 0.5),
    _number(
        "gaussianBlur.minSigmaPx",
        "Least width",
        "Standard deviation.",
        BLUR.sigma_px[0],
        maximum=100,
        unit="px",
    ),
    _number(
        "gaussianBlur.maxSigmaPx",
        "Most width",
        "Standard deviation.",
        BLUR.sigma_px[1],
        maximum=100,
        unit="px",
    ),
)

AUGMENTATION_STEPS = FormField(
    path="augmentationSteps",
    label="Steps of your own",
    help="Random changes of training images, applied in this order; masks, boxes and points move"
    " along.",
    kind="table",
    shown_when=when("augmentation", None),
    flag="--augment-with",
    row=(
        FormField(
            path="",
            label="Change",
            help="What happens to an image.",
            kind="choice",
            is_required=True,
            choices=STEPS,
        ),
        *SETTINGS,
    ),
)
