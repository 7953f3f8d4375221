"""The places that each source of images is read from, and how it is read."""

from trainer_service.jobs.dataset_spec import DEFAULT_LABEL_SEPARATOR
from trainer_service.train_form.field import FormField, when


def _place(path: str, label: str, text: str, flag: str, *, is_required: bool = False) -> FormField:
    """Return a place that belongs to one source; without it something else holds."""
    source = path.split(".")[1]
    is_validation = path.split(".")[2].startswith("validation")
    return FormField(
        path=path,
        label=label,
        help=text,
        kind="place",
        shown_when=when("dataset", source),
        is_required=is_required,
        is_advanced=is_validation,
        flag=flag,
    )


def _text(path: str, label: str, text: str, flag: str, default: str | None = None) -> FormField:
    """Return a word that only one source has."""
    return FormField(
        path=path,
        label=label,
        help=text,
        kind="text",
        default=default,
        shown_when=when("dataset", path.split(".")[1]),
        is_required=path == "dataset.torchvision.name",
        is_advanced=path != "dataset.torchvision.name",
        flag=flag,
    )


SPLIT = "A part of the images is kept for it where empty."

MASK_VALUES = FormField(
    path="dataset.imageMaskPairs.classesOfValues",
    label="Mask values",
    help="What they mean where they are no class indices: 255 is class 1 in masks of black and"
    " white. Values that are not listed mean themselves.",
    kind="map",
    shown_when=when("dataset", "imageMaskPairs"),
    flag="--mask-value",
    row=(
        FormField(
            path="key",
            label="Value",
            help="Of a pixel.",
            kind="integer",
            minimum=0,
            is_required=True,
        ),
        FormField(
            path="value",
            label="Class",
            help="Its index, from 0 on.",
            kind="integer",
            minimum=0,
            is_required=True,
        ),
    ),
)

PLACES = (
    _place(
        "dataset.imageFolder.path",
        "Folder",
        "Absolute, or a URL that the trainer allows.",
        "--data",
        is_required=True,
    ),
    _place(
        "dataset.imageFolder.validationPath", "Folder to validate on", SPLIT, "--validation-data"
    ),
    _place(
        "dataset.csv.path", "Table", "A header, then a line per image.", "--csv", is_required=True
    ),
    _place("dataset.csv.validationPath", "Table to validate on", SPLIT, "--validation-data"),
    _place(
        "dataset.csv.imagesPath", "Folder of the images", "The table's own where empty.", "--images"
    ),
    _text(
        "dataset.csv.imageColumn",
        "Image column",
        "`image` or the first where empty.",
        "--image-column",
    ),
    FormField(
        path="dataset.csv.targetColumns",
        label="Target columns",
        help="A line each; all that are neither image nor split where empty.",
        kind="list",
        shown_when=when("dataset", "csv"),
        flag="--target-column",
    ),
    _text(
        "dataset.csv.splitColumn",
        "Split column",
        "Of `train`, `validation` or `test`; none where empty.",
        "--split-column",
    ),
    _text(
        "dataset.csv.labelSeparator",
        "Label separator",
        "Between the names of one cell.",
        "--label-separator",
        DEFAULT_LABEL_SEPARATOR,
    ),
    _place(
        "dataset.imageMaskPairs.imagesPath", "Images", "A folder.", "--images", is_required=True
    ),
    _place(
        "dataset.imageMaskPairs.masksPath",
        "Masks",
        "A folder: pixels are class indices, in grey or as a palette.",
        "--masks",
        is_required=True,
    ),
    _place(
        "dataset.imageMaskPairs.validationImagesPath",
        "Images to validate on",
        SPLIT,
        "--validation-images",
    ),
    _place(
        "dataset.imageMaskPairs.validationMasksPath", "Their masks", SPLIT, "--validation-masks"
    ),
    MASK_VALUES,
    _place(
        "dataset.coco.annotationsPath", "Annotations", "A JSON file.", "--coco", is_required=True
    ),
    _place("dataset.coco.imagesPath", "Images", "A folder.", "--images", is_required=True),
    _place(
        "dataset.coco.validationAnnotationsPath",
        "Annotations to validate on",
        SPLIT,
        "--validation-data",
    ),
    _place(
        "dataset.coco.validationImagesPath", "Images to validate on", SPLIT, "--validation-images"
    ),
    _text(
        "dataset.torchvision.name", "Data set", "Such as cifar10, oxford_iiit_pet.", "--torchvision"
    ),
    _place(
        "dataset.torchvision.path",
        "Folder",
        "What torchvision calls root.",
        "--data",
        is_required=True,
    ),
    _text(
        "dataset.torchvision.targetType",
        "Target type",
        "Of OxfordIIITPet; what the task needs where empty.",
        "--target-type",
    ),
    _place(
        "dataset.unlabelledImages.path",
        "Folder",
        "Absolute, or a URL that the trainer allows.",
        "--unlabelled",
        is_required=True,
    ),
    _place(
        "dataset.unlabelledImages.validationPath",
        "Folder to validate on",
        SPLIT,
        "--validation-data",
    ),
)
