"""Enum numbers of the contract and the words that values use for them."""

from collections.abc import Mapping
from typing import Any

from catalog_service.errors import Violation
from trainer_service.jobs import ExitClass, JobState
from vertebra.trainer.v1 import learning_pb2, train_run_pb2
from vertebra.trainer.v1 import train_job_pb2 as pb

NORMS: Mapping[int, str] = {
    pb.NORM_POLICY_UNSPECIFIED: "",
    pb.NORM_POLICY_BATCH_STATISTICS: "batch_statistics",
    pb.NORM_POLICY_FROZEN_STATISTICS: "frozen_statistics",
    pb.NORM_POLICY_RECALIBRATE: "recalibrate",
}
AUGMENTATIONS: Mapping[int, str] = {
    pb.AUGMENTATION_UNSPECIFIED: "",
    pb.AUGMENTATION_NONE: "none",
    pb.AUGMENTATION_SHIFT: "shift",
    pb.AUGMENTATION_SHIFT_AND_FLIP: "shift_and_flip",
}
ALGORITHMS: Mapping[int, str] = {
    pb.OptimizerSpec.ALGORITHM_UNSPECIFIED: "adamw",
    pb.OptimizerSpec.ALGORITHM_SGD: "sgd",
    pb.OptimizerSpec.ALGORITHM_ADAM: "adam",
    pb.OptimizerSpec.ALGORITHM_ADAMW: "adamw",
    pb.OptimizerSpec.ALGORITHM_LARS: "lars",
}
LR_RULES: Mapping[int, str] = {
    pb.OptimizerSpec.LR_RULE_UNSPECIFIED: "",
    pb.OptimizerSpec.LR_RULE_ABSOLUTE: "absolute",
    pb.OptimizerSpec.LR_RULE_PER_256_IMAGES: "per_256_images",
    pb.OptimizerSpec.LR_RULE_SQUARE_ROOT: "square_root",
}
LOSSES: Mapping[int, str] = {
    learning_pb2.LossSpec.KIND_UNSPECIFIED: "",
    learning_pb2.LossSpec.KIND_CROSS_ENTROPY: "cross_entropy",
    learning_pb2.LossSpec.KIND_BCE: "bce",
    learning_pb2.LossSpec.KIND_DICE: "dice",
    learning_pb2.LossSpec.KIND_BCE_DICE: "bce_dice",
    learning_pb2.LossSpec.KIND_CROSS_ENTROPY_DICE: "cross_entropy_dice",
    learning_pb2.LossSpec.KIND_MSE: "mse",
    learning_pb2.LossSpec.KIND_L1: "l1",
    learning_pb2.LossSpec.KIND_SMOOTH_L1: "smooth_l1",
}
CLASS_WEIGHT_RULES: Mapping[int, str] = {
    learning_pb2.ClassWeights.RULE_UNSPECIFIED: "",
    learning_pb2.ClassWeights.RULE_NONE: "none",
    learning_pb2.ClassWeights.RULE_BALANCED: "balanced",
    learning_pb2.ClassWeights.RULE_EFFECTIVE: "effective",
    learning_pb2.ClassWeights.RULE_EXPLICIT: "explicit",
}
SCHEDULES: Mapping[int, str] = {
    learning_pb2.ScheduleSpec.KIND_UNSPECIFIED: "constant",
    learning_pb2.ScheduleSpec.KIND_CONSTANT: "constant",
    learning_pb2.ScheduleSpec.KIND_COSINE: "cosine",
    learning_pb2.ScheduleSpec.KIND_LINEAR: "linear",
}
PRECISIONS: Mapping[int, str] = {
    learning_pb2.PRECISION_UNSPECIFIED: "fp32",
    learning_pb2.PRECISION_FP32: "fp32",
    learning_pb2.PRECISION_BF16: "bf16",
    learning_pb2.PRECISION_FP16: "fp16",
}
COMPILE_POLICIES: Mapping[int, str] = {
    learning_pb2.COMPILE_POLICY_UNSPECIFIED: "never",
    learning_pb2.COMPILE_POLICY_NEVER: "never",
    learning_pb2.COMPILE_POLICY_WHERE_IT_PAYS: "where_it_pays",
    learning_pb2.COMPILE_POLICY_ALWAYS: "always",
}
FITS: Mapping[int, str] = {
    learning_pb2.PreprocessingSpec.FIT_UNSPECIFIED: "",
    learning_pb2.PreprocessingSpec.FIT_CROP: "crop",
    learning_pb2.PreprocessingSpec.FIT_STRETCH: "stretch",
}
CACHE_POLICIES: Mapping[int, str] = {
    learning_pb2.FeatureCacheSpec.POLICY_UNSPECIFIED: "where_exact",
    learning_pb2.FeatureCacheSpec.POLICY_WHERE_EXACT: "where_exact",
    learning_pb2.FeatureCacheSpec.POLICY_NEVER: "never",
    learning_pb2.FeatureCacheSpec.POLICY_REQUIRED: "required",
}
EXPORTED_STATES: Mapping[int, str] = {
    pb.ExportSpec.STATE_UNSPECIFIED: "",
    pb.ExportSpec.STATE_LAST: "last",
    pb.ExportSpec.STATE_BEST: "best",
}
EXPORT_FILES: Mapping[int, str] = {
    pb.ExportFile.KIND_BACKBONE_SAFETENSORS: "backbone_safetensors",
    pb.ExportFile.KIND_BACKBONE_CKPT: "backbone_ckpt",
    pb.ExportFile.KIND_MODEL_SAFETENSORS: "model_safetensors",
    pb.ExportFile.KIND_METADATA_JSON: "metadata",
    pb.ExportFile.KIND_METRICS_CSV: "metrics_csv",
    pb.ExportFile.KIND_CURVES_PNG: "curves_png",
    pb.ExportFile.KIND_TENSORBOARD_EVENTS: "tensorboard_events",
    pb.ExportFile.KIND_SAMPLE_PNG: "sample_png",
}
SAMPLE_PANELS: Mapping[int, str] = {
    pb.PredictionSample.PANEL_IMAGE: "image",
    pb.PredictionSample.PANEL_TRUTH: "truth",
    pb.PredictionSample.PANEL_PREDICTION: "prediction",
}

STATES: Mapping[JobState, Any] = {
    state: pb.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState
}
"""Numbers of job states."""

EXIT_CLASSES: Mapping[ExitClass, Any] = {
    kind: train_run_pb2.ExitClass.Value(f"EXIT_CLASS_{kind.name}") for kind in ExitClass
}
"""Numbers of the ways in which attempts end."""

ENGINES: Mapping[int, str] = {
    train_run_pb2.ENGINE_UNSPECIFIED: "process",
    train_run_pb2.ENGINE_PROCESS: "process",
    train_run_pb2.ENGINE_RAY: "ray",
}


def number_of(words: Mapping[int, str], word: str) -> Any:
    """Return the number that spells a word out; never the one that leaves it to the default."""
    return max(number for number, known in words.items() if known == word)


def word_of(words: Mapping[int, str], number: int, field: str, found: list[Violation]) -> str:
    """Return the word for a number; an unknown number is added to `found` and reads as default."""
    if number not in words:
        found.append(Violation(field=field, description=f"{number} is no value of this enum"))
    return words.get(number, next(iter(words.values())))
