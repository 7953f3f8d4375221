"""The demo's three jobs, as the experiment files that anyone could write."""

from pathlib import Path
from typing import Any

BACKBONE = "resnet18"
NUM_PRETRAINING_EPOCHS = 10
NUM_HEAD_EPOCHS = 30

Experiment = dict[str, Any]


def pretraining(images: Path, seed: int, register_as: str) -> Experiment:
    """Train everything from random numbers on letters, and register the backbone."""
    return {
        "display_name": "pretrain on letters",
        "model": {"backbone": BACKBONE, **_image_size(), "seed": seed},
        "freeze": {"scratch": {}},
        "dataset": {"image_folder": {"path": str(images)}, "split_seed": seed},
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 1e-3},
        "num_epochs": NUM_PRETRAINING_EPOCHS,
        "augmentation": "AUGMENTATION_SHIFT",
        "seed": seed,
        "export": {"register_as": register_as, "note": "26 letters over clutter, 32 px"},
    }


def fine_tuning(train: Path, validation: Path, seed: int, checkpoint: str) -> Experiment:
    """Train a new head for digits on the registered backbone, which stays as it is."""
    return {
        "display_name": "fine-tune the pretrained backbone",
        "model": {"backbone": BACKBONE, "weights": checkpoint, **_image_size(), "seed": seed},
        "freeze": {"frozen_backbone": {}},
        **_digits(train, validation, seed),
    }


def baseline(train: Path, validation: Path, seed: int) -> Experiment:
    """The same head on random numbers, with batch norms that have seen the data."""
    return {
        "display_name": "fine-tune a random backbone",
        "model": {
            "backbone": BACKBONE,
            "pretrained": False,
            "allow_frozen_random": True,
            **_image_size(),
            "seed": seed,
        },
        "freeze": {"frozen_backbone": {}, "norm": "NORM_POLICY_RECALIBRATE"},
        **_digits(train, validation, seed),
    }


def _image_size() -> Experiment:
    return {"image_height_px": 32, "image_width_px": 32}


def _digits(train: Path, validation: Path, seed: int) -> Experiment:
    folder = {"path": str(train), "validation_path": str(validation)}
    return {
        "dataset": {"image_folder": folder},
        "optimizer": {"algorithm": "ALGORITHM_ADAMW", "lr": 1e-2},
        "num_epochs": NUM_HEAD_EPOCHS,
        "seed": seed,
    }
