"""The jobs of `vertebra demo simclr`, as the experiment files that anyone could write."""

from math import ceil

from vertebra.demo.jobs import Experiment

BACKBONE = "resnet18"
SECOND_BLOCKS = ("layer1.1", "layer2.1", "layer3.1", "layer4.1")
LEFT_OUT = ("maxpool", *SECOND_BLOCKS)
"""Small images want fine maps: without the pooling, maps have a half to a sixteenth of the side;
without the second block of each stage that costs no more than the whole does.
"""
SIDE_PX = 24
MAX_DIGITS = 1
"""One digit a scene, so that both views of a scene show the same digit. With more, crops of one
scene show different digits, and SimCLR learns to call those the same.
"""
NUM_UNLABELLED = 2400
NUM_PRETRAINING_EPOCHS = 6
NUM_SCENES = 480
"""Of which a share is labelled. They are the first of the unlabelled ones."""
NUM_VALIDATION_SCENES = 120
NUM_STEPS = 150
"""Of every row: with few labels the same images come more often."""
BATCH_SIZE = 16
NUM_STEPS_PER_VALIDATION = 24
"""Of every row: with few labels an epoch has three steps, and is over sooner than a validation."""
DIGIT_WEIGHT = 5.0
"""Most pixels are background: a digit's pixel counts as much as so many of them."""
CLASSES = ("background", *"0123456789")

VIEWS = [
    {"random_resized_crop": {"min_scale": 0.35, "max_scale": 1.0}},
    {"rotation": {"max_degrees": 15}},
    {
        "color_jitter": {
            "brightness": 0.6,
            "contrast": 0.6,
            "saturation": 0.6,
            "hue": 0.1,
            "probability": 0.8,
        }
    },
    {"grayscale": {"probability": 0.4}},
    {"gaussian_blur": {"probability": 0.3, "min_sigma_px": 0.1, "max_sigma_px": 0.8}},
]
"""What must not tell two scenes apart: place, size, slant, brightness and tint. Otherwise SimCLR
finds the other view by those, and learns nothing about strokes. A digit that is mirrored or cut to
a twelfth is another one, so crops keep 0.35 and nothing is mirrored; SimCLR's own blur is made for
larger images.
"""


def pretraining(seed: int, register_as: str) -> Experiment:
    """Learn from scenes without their labels, from random numbers, and register the backbone."""
    return {
        "display_name": "SimCLR on unlabelled scenes",
        "model": {"backbone": BACKBONE, **_from_nothing(), **_image_size(), "seed": seed},
        "freeze": {"scratch": {}},
        "dataset": _scenes(seed, NUM_UNLABELLED),
        "simclr": {"temperature": 0.2},
        "augmentation_steps": VIEWS,
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 2e-3},
        "schedule": {"kind": "KIND_COSINE", "warmup_epochs": 1},
        "num_epochs": NUM_PRETRAINING_EPOCHS,
        "validation_every_epochs": 2,
        "batch_size": 64,
        "seed": seed,
        "export": {"register_as": register_as, "note": "SimCLR on cluttered digits, 24 px"},
    }


def from_nothing(seed: int, data_ratio: float) -> Experiment:
    """Segment scenes with a model of random numbers, all of which train."""
    return {
        "display_name": f"segment, {data_ratio:.0%} of the labels, no pretraining",
        "model": {**_segmentation(seed), **_from_nothing()},
        "freeze": {"scratch": {}},
        **_learning(seed, data_ratio),
    }


def from_backbone(seed: int, data_ratio: float, checkpoint: str, *, frozen: bool) -> Experiment:
    """Segment scenes with the registered backbone, which stays as it is or trains along."""
    how = "frozen" if frozen else "fine-tuned"
    return {
        "display_name": f"segment, {data_ratio:.0%} of the labels, SimCLR backbone {how}",
        "model": {**_segmentation(seed), "weights": checkpoint},
        "freeze": {"frozen_backbone": {}} if frozen else {"full": {}},
        **_learning(seed, data_ratio),
    }


def frozen_random(seed: int, data_ratio: float) -> Experiment:
    """Segment scenes with a frozen backbone of random numbers whose batch norms have seen the data:
    what a frozen backbone has to beat.
    """
    return {
        "display_name": f"segment, {data_ratio:.0%} of the labels, random backbone frozen",
        "model": {**_segmentation(seed), **_from_nothing(), "allow_frozen_random": True},
        "freeze": {"frozen_backbone": {}, "norm": "NORM_POLICY_RECALIBRATE"},
        **_learning(seed, data_ratio),
    }


def _segmentation(seed: int) -> Experiment:
    return {
        "backbone": BACKBONE,
        "segmentation": {"class_names": list(CLASSES), "head": "fcn"},
        "neck": "bifpn",
        **_image_size(),
        "seed": seed,
    }


def _learning(seed: int, data_ratio: float) -> Experiment:
    weights = [1.0] + [DIGIT_WEIGHT] * (len(CLASSES) - 1)
    return {
        "dataset": {**_scenes(seed, NUM_SCENES), "data_ratio": data_ratio},
        "loss": {
            "kind": "KIND_BCE",
            "class_weights": {"rule": "RULE_EXPLICIT", "weights": weights},
        },
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 4e-3},
        "schedule": {"kind": "KIND_COSINE", "warmup_steps": NUM_STEPS // 10},
        "num_steps": NUM_STEPS,
        "validation_every_epochs": _epochs_per_validation(data_ratio),
        "batch_size": BATCH_SIZE,
        "augmentation": "AUGMENTATION_SHIFT",
        "seed": seed,
    }


def _epochs_per_validation(data_ratio: float) -> int:
    num_steps_per_epoch = ceil(NUM_SCENES * data_ratio / BATCH_SIZE)
    return max(1, NUM_STEPS_PER_VALIDATION // num_steps_per_epoch)


def _from_nothing() -> Experiment:
    """A registered backbone brings its structure along; one of random numbers has to be told."""
    return {"pretrained": False, "remove_modules": [f"backbone.{path}" for path in LEFT_OUT]}


def _scenes(seed: int, num_scenes: int) -> Experiment:
    """Return scenes of digits between broken strokes; no handwriting is in both splits."""
    num_images = num_scenes + NUM_VALIDATION_SCENES
    drawn = {
        "num_images": num_images,
        "side_px": SIDE_PX,
        "max_digits": MAX_DIGITS,
        "seed": seed,
    }
    return {
        "cluttered_digits": drawn,
        "validation_ratio": NUM_VALIDATION_SCENES / num_images,
        "split_seed": seed,
    }


def _image_size() -> Experiment:
    return {"image_height_px": SIDE_PX, "image_width_px": SIDE_PX}
