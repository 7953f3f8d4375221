"""What is done to images before the model sees them."""

from trainer_service.train_form.augmentation_field import AUGMENTATION_STEPS
from trainer_service.train_form.field import FormChoice, FormField, FormSection, when

OWN = FormChoice(value=None, label="The weights' own")


def _numbers(path: str, label: str, flag: str) -> FormField:
    return FormField(
        path=path,
        label=label,
        help="Red, green and blue, a line each; the weights' own where empty.",
        kind="list",
        is_advanced=True,
        flag=flag,
    )


IMAGES = FormSection(
    id="images",
    label="Preparing images",
    help="Evaluation images never vary.",
    fields=(
        FormField(
            path="augmentation",
            label="Augmentation",
            help="How training images vary from epoch to epoch.",
            kind="choice",
            choices=(
                FormChoice(
                    value=None,
                    label="As usual",
                    help="None; without labels, those of SimCLR. Or steps of your own.",
                ),
                FormChoice(value="AUGMENTATION_NONE", label="None", help="They do not."),
                FormChoice(
                    value="AUGMENTATION_SHIFT",
                    label="Shift",
                    help="By up to an eighth of the side, padded by reflection.",
                ),
                FormChoice(
                    value="AUGMENTATION_SHIFT_AND_FLIP",
                    label="Shift and flip",
                    help="Mirrored half of the time, too.",
                    advice="Pictures whose left and right mean nothing.",
                ),
            ),
            flag="--augment",
        ),
        AUGMENTATION_STEPS,
        FormField(
            path="preprocessing.fit",
            label="Fit",
            help="How an image gets the model's size.",
            kind="choice",
            choices=(
                OWN,
                FormChoice(
                    value="FIT_CROP",
                    label="Crop",
                    help="The shorter side is resized, the middle is cropped.",
                ),
                FormChoice(
                    value="FIT_STRETCH",
                    label="Stretch",
                    help="Both sides are resized; nothing is cropped.",
                ),
            ),
            is_advanced=True,
            flag="--fit",
        ),
        FormField(
            path="preprocessing.resizeShorterSidePx",
            label="Shorter side",
            help="Before the crop; the weights' own ratio where empty.",
            kind="integer",
            unit="px",
            minimum=1,
            shown_when=when("preprocessing.fit", "FIT_CROP"),
            is_advanced=True,
            flag="--resize",
        ),
        FormField(
            path="preprocessing.interpolation",
            label="Interpolation",
            help="Of the resize.",
            kind="choice",
            choices=(
                OWN,
                FormChoice(value="bilinear", label="Bilinear"),
                FormChoice(value="bicubic", label="Bicubic"),
            ),
            is_advanced=True,
            flag="--interpolation",
        ),
        _numbers("preprocessing.mean", "Mean", "--mean"),
        _numbers("preprocessing.std", "Standard deviation", "--std"),
    ),
)
