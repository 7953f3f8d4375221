"""Where the images are, and which of them are used."""

from trainer_service.jobs.dataset_spec import (
    DEFAULT_CLUTTERED_SIDE_PX,
    DEFAULT_MAX_OBJECTS,
    DEFAULT_NUM_CLUTTERED,
    DEFAULT_NUM_SCENES,
    DEFAULT_SCENE_SIDE_PX,
)
from trainer_service.train_form.data_places import PLACES
from trainer_service.train_form.field import FormChoice, FormField, FormSection, when

SOURCES = FormField(
    path="dataset",
    label="Image source",
    help="Where they are. Paths are the trainer's host's.",
    kind="choice",
    is_required=True,
    choices=(
        FormChoice(
            value="imageFolder",
            label="Folder of folders",
            help="A folder with one folder of images per class; its name is the class.",
        ),
        FormChoice(
            value="csv", label="Table", help="A CSV file: a line per image and what is known of it."
        ),
        FormChoice(
            value="imageMaskPairs",
            label="Images and masks",
            help="Two folders with files of the same names, for segmentation.",
        ),
        FormChoice(
            value="coco",
            label="COCO annotations",
            help="Boxes, polygons, masks and keypoints in a JSON file.",
        ),
        FormChoice(
            value="torchvision",
            label="torchvision data set",
            help="One that torchvision knows, already on the trainer's disk.",
        ),
        FormChoice(
            value="unlabelledImages",
            label="Images without labels",
            help="Any folders of images, for learning without labels.",
        ),
        FormChoice(
            value="bundledDigits",
            label="Bundled digits",
            help="1,797 hand-written digits of 8 x 8 pixels, for trying things out.",
        ),
        FormChoice(
            value="drawnScenes",
            label="Drawn scenes",
            help="Shapes that the trainer draws, for every task, for trying things out.",
        ),
        FormChoice(
            value="clutteredDigits",
            label="Cluttered digits",
            help="Digits between broken strokes of others, to segment, for trying things out.",
        ),
    ),
)


def _drawn(path: str, label: str, unit: str, default: int, flag: str) -> FormField:
    """Return a number that says what is drawn."""
    is_seed = path.endswith("seed")
    return FormField(
        path=path,
        label=label,
        help="Seeds the drawing." if is_seed else "Of what the trainer draws.",
        kind="integer",
        default=default,
        unit=unit,
        minimum=0 if is_seed else 1,
        shown_when=when("dataset", path.split(".")[1]),
        is_advanced=is_seed,
        flag=flag,
    )


DRAWN = (
    _drawn("dataset.drawnScenes.numImages", "Scenes", "images", DEFAULT_NUM_SCENES, "--num-images"),
    _drawn("dataset.drawnScenes.sidePx", "Side", "px", DEFAULT_SCENE_SIDE_PX, "--scene-size"),
    _drawn(
        "dataset.drawnScenes.maxObjects", "Most shapes", "", DEFAULT_MAX_OBJECTS, "--max-objects"
    ),
    _drawn("dataset.drawnScenes.seed", "Drawing seed", "", 0, "--scene-seed"),
    _drawn(
        "dataset.clutteredDigits.numImages",
        "Scenes",
        "images",
        DEFAULT_NUM_CLUTTERED,
        "--num-images",
    ),
    _drawn(
        "dataset.clutteredDigits.sidePx", "Side", "px", DEFAULT_CLUTTERED_SIDE_PX, "--scene-size"
    ),
    _drawn(
        "dataset.clutteredDigits.maxDigits", "Most digits", "", DEFAULT_MAX_OBJECTS, "--max-objects"
    ),
    _drawn("dataset.clutteredDigits.seed", "Drawing seed", "", 0, "--scene-seed"),
)

USED = (
    FormField(
        path="dataset.dataRatio",
        label="Share used",
        help="Of the training images: stratified and nested, so that 0.1 is a part of 0.2.",
        kind="number",
        default=1.0,
        minimum=0,
        maximum=1,
        flag="--data-ratio",
    ),
    FormField(
        path="dataset.validationRatio",
        label="Validation share",
        help="Where the source has no validation images; 0.2, of drawn scenes 0.5, where empty.",
        kind="number",
        minimum=0,
        maximum=1,
        is_advanced=True,
        flag="--validation-ratio",
    ),
    FormField(
        path="dataset.maxUnusableRatio",
        label="Unusable share",
        help="Such images are left out and named; with one more the job fails.",
        kind="number",
        default=0.0,
        minimum=0,
        maximum=1,
        is_advanced=True,
        flag="--max-unusable-ratio",
    ),
    FormField(
        path="dataset.splitSeed",
        label="Split seed",
        help="Seeds the split and the share that is used.",
        kind="integer",
        default=0,
        minimum=0,
        is_advanced=True,
        flag="--split-seed",
    ),
)

DATA = FormSection(
    id="data",
    label="Images",
    help="Every image is read before the first step; what cannot be used is named.",
    fields=(SOURCES, *PLACES, *DRAWN, *USED),
)
