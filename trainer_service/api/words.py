"""Enum numbers of the contract and the words that values use for them."""

from collections.abc import Mapping
from typing import Any

from catalog_service.errors import Violation
from trainer_service.jobs import JobState
from vertebra.trainer.v1 import train_job_pb2 as pb

NORMS: Mapping[int, str] = {
    pb.NORM_POLICY_UNSPECIFIED: "batch_statistics",
    pb.NORM_POLICY_BATCH_STATISTICS: "batch_statistics",
    pb.NORM_POLICY_FROZEN_STATISTICS: "frozen_statistics",
    pb.NORM_POLICY_RECALIBRATE: "recalibrate",
}
AUGMENTATIONS: Mapping[int, str] = {
    pb.AUGMENTATION_UNSPECIFIED: "none",
    pb.AUGMENTATION_NONE: "none",
    pb.AUGMENTATION_SHIFT: "shift",
    pb.AUGMENTATION_SHIFT_AND_FLIP: "shift_and_flip",
}
ALGORITHMS: Mapping[int, str] = {
    pb.OptimizerSpec.ALGORITHM_UNSPECIFIED: "adamw",
    pb.OptimizerSpec.ALGORITHM_SGD: "sgd",
    pb.OptimizerSpec.ALGORITHM_ADAM: "adam",
    pb.OptimizerSpec.ALGORITHM_ADAMW: "adamw",
}
EXPORT_FILES: Mapping[int, str] = {
    pb.ExportFile.KIND_BACKBONE_SAFETENSORS: "backbone_safetensors",
    pb.ExportFile.KIND_BACKBONE_CKPT: "backbone_ckpt",
    pb.ExportFile.KIND_MODEL_SAFETENSORS: "model_safetensors",
    pb.ExportFile.KIND_METADATA_JSON: "metadata",
}

STATES: Mapping[JobState, Any] = {
    state: pb.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState
}
"""Numbers of job states."""


def number_of(words: Mapping[int, str], word: str) -> Any:
    """Return the number that spells a word out; never the one that leaves it to the default."""
    return max(number for number, known in words.items() if known == word)


def word_of(words: Mapping[int, str], number: int, field: str, found: list[Violation]) -> str:
    """Return the word for a number; an unknown number is added to `found` and reads as default."""
    if number not in words:
        found.append(Violation(field=field, description=f"{number} is no value of this enum"))
    return words.get(number, next(iter(words.values())))
