"""The jobs of `vertebra demo simclr`, as the experiment files that anyone could write."""

from vertebra.demo.jobs import Experiment

BACKBONE = "resnet18"
SIDE_PX = 48
NUM_SCENES = 1320
NUM_VALIDATION_SCENES = 120
MAX_DIGITS = 3
NUM_PRETRAINING_EPOCHS = 6
NUM_STEPS = 200
"""Of every row: with few labels the same images come more often."""
DIGIT_WEIGHT = 5.0
"""Most pixels are background: a digit's pixel counts as much as so many of them."""
CLASSES = ("background", *"0123456789")

VIEWS = [
    {"random_resized_crop": {"min_scale": 0.3, "max_scale": 1.0}},
    {
        "color_jitter": {
            "brightness": 0.4,
            "contrast": 0.4,
            "saturation": 0.4,
            "hue": 0.1,
            "probability": 0.8,
        }
    },
    {"grayscale": {"probability": 0.2}},
    {"gaussian_blur": {"probability": 0.5, "min_sigma_px": 0.1, "max_sigma_px": 1.0}},
]
"""SimCLR's own, but for three things: a digit that is mirrored or cut to a twelfth is another one,
so crops keep 0.3 and nothing is mirrored; and its blur is made for larger images.
"""


def pretraining(seed: int, register_as: str) -> Experiment:
    """Learn from scenes without their labels, from random numbers, and register the backbone."""
    return {
        "display_name": "SimCLR on unlabelled scenes",
        "model": {"backbone": BACKBONE, "pretrained": False, **_image_size(), "seed": seed},
        "freeze": {"scratch": {}},
        "dataset": _scenes(seed),
        "simclr": {"temperature": 0.2},
        "augmentation_steps": VIEWS,
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 1e-3},
        "schedule": {"kind": "KIND_COSINE", "warmup_epochs": 1},
        "num_epochs": NUM_PRETRAINING_EPOCHS,
        "batch_size": 128,
        "seed": seed,
        "export": {"register_as": register_as, "note": "SimCLR on cluttered digits, 48 px"},
    }


def from_nothing(seed: int, data_ratio: float) -> Experiment:
    """Segment scenes with a model of random numbers, all of which train."""
    return {
        "display_name": f"segment, {data_ratio:.0%} of the labels, no pretraining",
        "model": {**_segmentation(seed), "pretrained": False},
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
        "model": {**_segmentation(seed), "pretrained": False, "allow_frozen_random": True},
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
        "dataset": {**_scenes(seed), "data_ratio": data_ratio},
        "loss": {
            "kind": "KIND_BCE",
            "class_weights": {"rule": "RULE_EXPLICIT", "weights": weights},
        },
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 4e-3},
        "schedule": {"kind": "KIND_COSINE"},
        "num_steps": NUM_STEPS,
        "batch_size": 16,
        "augmentation": "AUGMENTATION_SHIFT",
        "seed": seed,
    }


def _scenes(seed: int) -> Experiment:
    """Return scenes of digits between broken strokes; no handwriting is in both splits."""
    drawn = {
        "num_images": NUM_SCENES,
        "side_px": SIDE_PX,
        "max_digits": MAX_DIGITS,
        "seed": seed,
    }
    return {
        "cluttered_digits": drawn,
        "validation_ratio": NUM_VALIDATION_SCENES / NUM_SCENES,
        "split_seed": seed,
    }


def _image_size() -> Experiment:
    return {"image_height_px": SIDE_PX, "image_width_px": SIDE_PX}
