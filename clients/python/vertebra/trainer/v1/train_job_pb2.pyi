import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from vertebra.blob.v1 import blob_service_pb2 as _blob_service_pb2
from vertebra.model.v1 import contracts_pb2 as _contracts_pb2
from vertebra.model.v1 import layout_pb2 as _layout_pb2
from vertebra.model.v1 import lineage_pb2 as _lineage_pb2
from vertebra.model.v1 import model_spec_pb2 as _model_spec_pb2
from vertebra.trainer.v1 import dataset_pb2 as _dataset_pb2
from vertebra.trainer.v1 import evaluation_pb2 as _evaluation_pb2
from vertebra.trainer.v1 import learning_pb2 as _learning_pb2
from vertebra.trainer.v1 import train_run_pb2 as _train_run_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Augmentation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUGMENTATION_UNSPECIFIED: _ClassVar[Augmentation]
    AUGMENTATION_NONE: _ClassVar[Augmentation]
    AUGMENTATION_SHIFT: _ClassVar[Augmentation]
    AUGMENTATION_SHIFT_AND_FLIP: _ClassVar[Augmentation]

class NormPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NORM_POLICY_UNSPECIFIED: _ClassVar[NormPolicy]
    NORM_POLICY_BATCH_STATISTICS: _ClassVar[NormPolicy]
    NORM_POLICY_FROZEN_STATISTICS: _ClassVar[NormPolicy]
    NORM_POLICY_RECALIBRATE: _ClassVar[NormPolicy]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_QUEUED: _ClassVar[JobState]
    JOB_STATE_PREPARING: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_PAUSING: _ClassVar[JobState]
    JOB_STATE_PAUSED: _ClassVar[JobState]
    JOB_STATE_CANCELLING: _ClassVar[JobState]
    JOB_STATE_SUCCEEDED: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
AUGMENTATION_UNSPECIFIED: Augmentation
AUGMENTATION_NONE: Augmentation
AUGMENTATION_SHIFT: Augmentation
AUGMENTATION_SHIFT_AND_FLIP: Augmentation
NORM_POLICY_UNSPECIFIED: NormPolicy
NORM_POLICY_BATCH_STATISTICS: NormPolicy
NORM_POLICY_FROZEN_STATISTICS: NormPolicy
NORM_POLICY_RECALIBRATE: NormPolicy
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_QUEUED: JobState
JOB_STATE_PREPARING: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_PAUSING: JobState
JOB_STATE_PAUSED: JobState
JOB_STATE_CANCELLING: JobState
JOB_STATE_SUCCEEDED: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState

class TrainJobSpec(_message.Message):
    __slots__ = ("display_name", "model", "freeze", "dataset", "optimizer", "num_epochs", "batch_size", "seed", "augmentation", "export", "loss", "schedule", "early_stopping", "max_grad_norm", "precision", "compile", "micro_batch_size", "num_steps", "simclr", "preprocessing", "augmentation_steps", "feature_cache", "validation_every_epochs", "labels", "run")
    class LabelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    EARLY_STOPPING_FIELD_NUMBER: _ClassVar[int]
    MAX_GRAD_NORM_FIELD_NUMBER: _ClassVar[int]
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    COMPILE_FIELD_NUMBER: _ClassVar[int]
    MICRO_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    SIMCLR_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSING_FIELD_NUMBER: _ClassVar[int]
    AUGMENTATION_STEPS_FIELD_NUMBER: _ClassVar[int]
    FEATURE_CACHE_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_EVERY_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    model: _model_spec_pb2.ModelSpec
    freeze: FreezeSpec
    dataset: DatasetSpec
    optimizer: OptimizerSpec
    num_epochs: int
    batch_size: int
    seed: int
    augmentation: Augmentation
    export: ExportSpec
    loss: _learning_pb2.LossSpec
    schedule: _learning_pb2.ScheduleSpec
    early_stopping: _learning_pb2.EarlyStopping
    max_grad_norm: float
    precision: _learning_pb2.Precision
    compile: _learning_pb2.CompilePolicy
    micro_batch_size: int
    num_steps: int
    simclr: _learning_pb2.SimClrSpec
    preprocessing: _learning_pb2.PreprocessingSpec
    augmentation_steps: _containers.RepeatedCompositeFieldContainer[_learning_pb2.AugmentationStep]
    feature_cache: _learning_pb2.FeatureCacheSpec
    validation_every_epochs: int
    labels: _containers.ScalarMap[str, str]
    run: _train_run_pb2.RunSpec
    def __init__(self, display_name: _Optional[str] = ..., model: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., freeze: _Optional[_Union[FreezeSpec, _Mapping]] = ..., dataset: _Optional[_Union[DatasetSpec, _Mapping]] = ..., optimizer: _Optional[_Union[OptimizerSpec, _Mapping]] = ..., num_epochs: _Optional[int] = ..., batch_size: _Optional[int] = ..., seed: _Optional[int] = ..., augmentation: _Optional[_Union[Augmentation, str]] = ..., export: _Optional[_Union[ExportSpec, _Mapping]] = ..., loss: _Optional[_Union[_learning_pb2.LossSpec, _Mapping]] = ..., schedule: _Optional[_Union[_learning_pb2.ScheduleSpec, _Mapping]] = ..., early_stopping: _Optional[_Union[_learning_pb2.EarlyStopping, _Mapping]] = ..., max_grad_norm: _Optional[float] = ..., precision: _Optional[_Union[_learning_pb2.Precision, str]] = ..., compile: _Optional[_Union[_learning_pb2.CompilePolicy, str]] = ..., micro_batch_size: _Optional[int] = ..., num_steps: _Optional[int] = ..., simclr: _Optional[_Union[_learning_pb2.SimClrSpec, _Mapping]] = ..., preprocessing: _Optional[_Union[_learning_pb2.PreprocessingSpec, _Mapping]] = ..., augmentation_steps: _Optional[_Iterable[_Union[_learning_pb2.AugmentationStep, _Mapping]]] = ..., feature_cache: _Optional[_Union[_learning_pb2.FeatureCacheSpec, _Mapping]] = ..., validation_every_epochs: _Optional[int] = ..., labels: _Optional[_Mapping[str, str]] = ..., run: _Optional[_Union[_train_run_pb2.RunSpec, _Mapping]] = ...) -> None: ...

class FreezeSpec(_message.Message):
    __slots__ = ("full", "frozen_backbone", "last_blocks", "scratch", "gradual", "custom", "norm_only", "norm")
    FULL_FIELD_NUMBER: _ClassVar[int]
    FROZEN_BACKBONE_FIELD_NUMBER: _ClassVar[int]
    LAST_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    SCRATCH_FIELD_NUMBER: _ClassVar[int]
    GRADUAL_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    NORM_ONLY_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    full: FullMode
    frozen_backbone: FrozenBackboneMode
    last_blocks: LastBlocksMode
    scratch: ScratchMode
    gradual: GradualMode
    custom: CustomMode
    norm_only: NormOnlyMode
    norm: NormPolicy
    def __init__(self, full: _Optional[_Union[FullMode, _Mapping]] = ..., frozen_backbone: _Optional[_Union[FrozenBackboneMode, _Mapping]] = ..., last_blocks: _Optional[_Union[LastBlocksMode, _Mapping]] = ..., scratch: _Optional[_Union[ScratchMode, _Mapping]] = ..., gradual: _Optional[_Union[GradualMode, _Mapping]] = ..., custom: _Optional[_Union[CustomMode, _Mapping]] = ..., norm_only: _Optional[_Union[NormOnlyMode, _Mapping]] = ..., norm: _Optional[_Union[NormPolicy, str]] = ...) -> None: ...

class FullMode(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FrozenBackboneMode(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LastBlocksMode(_message.Message):
    __slots__ = ("num_blocks",)
    NUM_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    num_blocks: int
    def __init__(self, num_blocks: _Optional[int] = ...) -> None: ...

class ScratchMode(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GradualMode(_message.Message):
    __slots__ = ("steps",)
    STEPS_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[UnfreezeStep]
    def __init__(self, steps: _Optional[_Iterable[_Union[UnfreezeStep, _Mapping]]] = ...) -> None: ...

class UnfreezeStep(_message.Message):
    __slots__ = ("after_epochs", "after_steps", "after_plateau_epochs", "num_blocks", "lr_scale")
    AFTER_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    AFTER_STEPS_FIELD_NUMBER: _ClassVar[int]
    AFTER_PLATEAU_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    NUM_BLOCKS_FIELD_NUMBER: _ClassVar[int]
    LR_SCALE_FIELD_NUMBER: _ClassVar[int]
    after_epochs: int
    after_steps: int
    after_plateau_epochs: int
    num_blocks: int
    lr_scale: float
    def __init__(self, after_epochs: _Optional[int] = ..., after_steps: _Optional[int] = ..., after_plateau_epochs: _Optional[int] = ..., num_blocks: _Optional[int] = ..., lr_scale: _Optional[float] = ...) -> None: ...

class CustomMode(_message.Message):
    __slots__ = ("trainable", "frozen")
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    trainable: _containers.RepeatedScalarFieldContainer[str]
    frozen: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, trainable: _Optional[_Iterable[str]] = ..., frozen: _Optional[_Iterable[str]] = ...) -> None: ...

class NormOnlyMode(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DatasetSpec(_message.Message):
    __slots__ = ("image_folder", "bundled_digits", "csv", "image_mask_pairs", "coco", "torchvision", "unlabelled_images", "drawn_scenes", "cluttered_digits", "validation_ratio", "split_seed", "data_ratio", "max_unusable_ratio")
    IMAGE_FOLDER_FIELD_NUMBER: _ClassVar[int]
    BUNDLED_DIGITS_FIELD_NUMBER: _ClassVar[int]
    CSV_FIELD_NUMBER: _ClassVar[int]
    IMAGE_MASK_PAIRS_FIELD_NUMBER: _ClassVar[int]
    COCO_FIELD_NUMBER: _ClassVar[int]
    TORCHVISION_FIELD_NUMBER: _ClassVar[int]
    UNLABELLED_IMAGES_FIELD_NUMBER: _ClassVar[int]
    DRAWN_SCENES_FIELD_NUMBER: _ClassVar[int]
    CLUTTERED_DIGITS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_RATIO_FIELD_NUMBER: _ClassVar[int]
    SPLIT_SEED_FIELD_NUMBER: _ClassVar[int]
    DATA_RATIO_FIELD_NUMBER: _ClassVar[int]
    MAX_UNUSABLE_RATIO_FIELD_NUMBER: _ClassVar[int]
    image_folder: ImageFolder
    bundled_digits: BundledDigits
    csv: _dataset_pb2.CsvFile
    image_mask_pairs: _dataset_pb2.ImageMaskPairs
    coco: _dataset_pb2.CocoDataset
    torchvision: _dataset_pb2.TorchvisionDataset
    unlabelled_images: _dataset_pb2.UnlabelledImages
    drawn_scenes: _dataset_pb2.DrawnScenes
    cluttered_digits: _dataset_pb2.ClutteredDigits
    validation_ratio: float
    split_seed: int
    data_ratio: float
    max_unusable_ratio: float
    def __init__(self, image_folder: _Optional[_Union[ImageFolder, _Mapping]] = ..., bundled_digits: _Optional[_Union[BundledDigits, _Mapping]] = ..., csv: _Optional[_Union[_dataset_pb2.CsvFile, _Mapping]] = ..., image_mask_pairs: _Optional[_Union[_dataset_pb2.ImageMaskPairs, _Mapping]] = ..., coco: _Optional[_Union[_dataset_pb2.CocoDataset, _Mapping]] = ..., torchvision: _Optional[_Union[_dataset_pb2.TorchvisionDataset, _Mapping]] = ..., unlabelled_images: _Optional[_Union[_dataset_pb2.UnlabelledImages, _Mapping]] = ..., drawn_scenes: _Optional[_Union[_dataset_pb2.DrawnScenes, _Mapping]] = ..., cluttered_digits: _Optional[_Union[_dataset_pb2.ClutteredDigits, _Mapping]] = ..., validation_ratio: _Optional[float] = ..., split_seed: _Optional[int] = ..., data_ratio: _Optional[float] = ..., max_unusable_ratio: _Optional[float] = ...) -> None: ...

class ImageFolder(_message.Message):
    __slots__ = ("path", "validation_path")
    PATH_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_PATH_FIELD_NUMBER: _ClassVar[int]
    path: str
    validation_path: str
    def __init__(self, path: _Optional[str] = ..., validation_path: _Optional[str] = ...) -> None: ...

class BundledDigits(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OptimizerSpec(_message.Message):
    __slots__ = ("algorithm", "lr", "weight_decay", "momentum", "lr_rule", "backbone_lr_ratio", "layer_decay")
    class Algorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ALGORITHM_UNSPECIFIED: _ClassVar[OptimizerSpec.Algorithm]
        ALGORITHM_SGD: _ClassVar[OptimizerSpec.Algorithm]
        ALGORITHM_ADAM: _ClassVar[OptimizerSpec.Algorithm]
        ALGORITHM_ADAMW: _ClassVar[OptimizerSpec.Algorithm]
        ALGORITHM_LARS: _ClassVar[OptimizerSpec.Algorithm]
    ALGORITHM_UNSPECIFIED: OptimizerSpec.Algorithm
    ALGORITHM_SGD: OptimizerSpec.Algorithm
    ALGORITHM_ADAM: OptimizerSpec.Algorithm
    ALGORITHM_ADAMW: OptimizerSpec.Algorithm
    ALGORITHM_LARS: OptimizerSpec.Algorithm
    class LrRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        LR_RULE_UNSPECIFIED: _ClassVar[OptimizerSpec.LrRule]
        LR_RULE_ABSOLUTE: _ClassVar[OptimizerSpec.LrRule]
        LR_RULE_PER_256_IMAGES: _ClassVar[OptimizerSpec.LrRule]
        LR_RULE_SQUARE_ROOT: _ClassVar[OptimizerSpec.LrRule]
    LR_RULE_UNSPECIFIED: OptimizerSpec.LrRule
    LR_RULE_ABSOLUTE: OptimizerSpec.LrRule
    LR_RULE_PER_256_IMAGES: OptimizerSpec.LrRule
    LR_RULE_SQUARE_ROOT: OptimizerSpec.LrRule
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    MOMENTUM_FIELD_NUMBER: _ClassVar[int]
    LR_RULE_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_LR_RATIO_FIELD_NUMBER: _ClassVar[int]
    LAYER_DECAY_FIELD_NUMBER: _ClassVar[int]
    algorithm: OptimizerSpec.Algorithm
    lr: float
    weight_decay: float
    momentum: float
    lr_rule: OptimizerSpec.LrRule
    backbone_lr_ratio: float
    layer_decay: float
    def __init__(self, algorithm: _Optional[_Union[OptimizerSpec.Algorithm, str]] = ..., lr: _Optional[float] = ..., weight_decay: _Optional[float] = ..., momentum: _Optional[float] = ..., lr_rule: _Optional[_Union[OptimizerSpec.LrRule, str]] = ..., backbone_lr_ratio: _Optional[float] = ..., layer_decay: _Optional[float] = ...) -> None: ...

class ExportSpec(_message.Message):
    __slots__ = ("register_as", "note", "state")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[ExportSpec.State]
        STATE_LAST: _ClassVar[ExportSpec.State]
        STATE_BEST: _ClassVar[ExportSpec.State]
    STATE_UNSPECIFIED: ExportSpec.State
    STATE_LAST: ExportSpec.State
    STATE_BEST: ExportSpec.State
    REGISTER_AS_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    register_as: str
    note: str
    state: ExportSpec.State
    def __init__(self, register_as: _Optional[str] = ..., note: _Optional[str] = ..., state: _Optional[_Union[ExportSpec.State, str]] = ...) -> None: ...

class TrainJob(_message.Message):
    __slots__ = ("name", "job_id", "spec", "state", "state_reason", "failure", "create_time", "start_time", "end_time", "last_seq", "progress", "model", "plan", "metrics", "attempt", "evaluation", "attempts", "not_before", "snapshot", "host")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    JOB_ID_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_REASON_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PLAN_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    EVALUATION_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    name: str
    job_id: str
    spec: TrainJobSpec
    state: JobState
    state_reason: str
    failure: JobFailure
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    last_seq: int
    progress: JobProgress
    model: JobModel
    plan: TrainPlan
    metrics: _containers.ScalarMap[str, float]
    attempt: int
    evaluation: _evaluation_pb2.Evaluation
    attempts: _containers.RepeatedCompositeFieldContainer[_train_run_pb2.Attempt]
    not_before: _timestamp_pb2.Timestamp
    snapshot: _train_run_pb2.Snapshot
    host: str
    def __init__(self, name: _Optional[str] = ..., job_id: _Optional[str] = ..., spec: _Optional[_Union[TrainJobSpec, _Mapping]] = ..., state: _Optional[_Union[JobState, str]] = ..., state_reason: _Optional[str] = ..., failure: _Optional[_Union[JobFailure, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seq: _Optional[int] = ..., progress: _Optional[_Union[JobProgress, _Mapping]] = ..., model: _Optional[_Union[JobModel, _Mapping]] = ..., plan: _Optional[_Union[TrainPlan, _Mapping]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., attempt: _Optional[int] = ..., evaluation: _Optional[_Union[_evaluation_pb2.Evaluation, _Mapping]] = ..., attempts: _Optional[_Iterable[_Union[_train_run_pb2.Attempt, _Mapping]]] = ..., not_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., snapshot: _Optional[_Union[_train_run_pb2.Snapshot, _Mapping]] = ..., host: _Optional[str] = ...) -> None: ...

class JobProgress(_message.Message):
    __slots__ = ("epoch", "num_epochs", "step", "num_steps", "remaining", "images_per_s")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUM_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    REMAINING_FIELD_NUMBER: _ClassVar[int]
    IMAGES_PER_S_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    num_epochs: int
    step: int
    num_steps: int
    remaining: _duration_pb2.Duration
    images_per_s: float
    def __init__(self, epoch: _Optional[int] = ..., num_epochs: _Optional[int] = ..., step: _Optional[int] = ..., num_steps: _Optional[int] = ..., remaining: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., images_per_s: _Optional[float] = ...) -> None: ...

class JobFailure(_message.Message):
    __slots__ = ("reason", "message")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class JobModel(_message.Message):
    __slots__ = ("spec", "spec_digest", "state_digest", "backbone_digest", "load_report", "lineage")
    SPEC_FIELD_NUMBER: _ClassVar[int]
    SPEC_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOAD_REPORT_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    spec: _model_spec_pb2.ModelSpec
    spec_digest: str
    state_digest: str
    backbone_digest: str
    load_report: _layout_pb2.LoadReport
    lineage: _lineage_pb2.Lineage
    def __init__(self, spec: _Optional[_Union[_model_spec_pb2.ModelSpec, _Mapping]] = ..., spec_digest: _Optional[str] = ..., state_digest: _Optional[str] = ..., backbone_digest: _Optional[str] = ..., load_report: _Optional[_Union[_layout_pb2.LoadReport, _Mapping]] = ..., lineage: _Optional[_Union[_lineage_pb2.Lineage, _Mapping]] = ...) -> None: ...

class TrainPlan(_message.Message):
    __slots__ = ("freeze", "input", "output", "num_train_images", "num_validation_images", "num_steps_per_epoch", "num_steps", "optimizer", "optimizer_groups", "warnings", "num_images_per_class", "task", "loss", "main_metric", "main_metric_grows", "phases", "feature_cache", "micro_batch_size", "warmup_steps", "num_auxiliary_parameters", "validation_every_epochs", "snapshots", "num_devices")
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAIN_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_VALIDATION_IMAGES_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_PER_EPOCH_FIELD_NUMBER: _ClassVar[int]
    NUM_STEPS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_GROUPS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    NUM_IMAGES_PER_CLASS_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    MAIN_METRIC_FIELD_NUMBER: _ClassVar[int]
    MAIN_METRIC_GROWS_FIELD_NUMBER: _ClassVar[int]
    PHASES_FIELD_NUMBER: _ClassVar[int]
    FEATURE_CACHE_FIELD_NUMBER: _ClassVar[int]
    MICRO_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
    WARMUP_STEPS_FIELD_NUMBER: _ClassVar[int]
    NUM_AUXILIARY_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    VALIDATION_EVERY_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    NUM_DEVICES_FIELD_NUMBER: _ClassVar[int]
    freeze: FreezePlan
    input: _contracts_pb2.InputContract
    output: _contracts_pb2.OutputContract
    num_train_images: int
    num_validation_images: int
    num_steps_per_epoch: int
    num_steps: int
    optimizer: OptimizerSpec
    optimizer_groups: _containers.RepeatedCompositeFieldContainer[OptimizerGroup]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    num_images_per_class: _containers.RepeatedScalarFieldContainer[int]
    task: str
    loss: _learning_pb2.LossSpec
    main_metric: str
    main_metric_grows: bool
    phases: _containers.RepeatedCompositeFieldContainer[PhasePlan]
    feature_cache: FeatureCachePlan
    micro_batch_size: int
    warmup_steps: int
    num_auxiliary_parameters: int
    validation_every_epochs: int
    snapshots: _train_run_pb2.SnapshotPlan
    num_devices: int
    def __init__(self, freeze: _Optional[_Union[FreezePlan, _Mapping]] = ..., input: _Optional[_Union[_contracts_pb2.InputContract, _Mapping]] = ..., output: _Optional[_Union[_contracts_pb2.OutputContract, _Mapping]] = ..., num_train_images: _Optional[int] = ..., num_validation_images: _Optional[int] = ..., num_steps_per_epoch: _Optional[int] = ..., num_steps: _Optional[int] = ..., optimizer: _Optional[_Union[OptimizerSpec, _Mapping]] = ..., optimizer_groups: _Optional[_Iterable[_Union[OptimizerGroup, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., num_images_per_class: _Optional[_Iterable[int]] = ..., task: _Optional[str] = ..., loss: _Optional[_Union[_learning_pb2.LossSpec, _Mapping]] = ..., main_metric: _Optional[str] = ..., main_metric_grows: bool = ..., phases: _Optional[_Iterable[_Union[PhasePlan, _Mapping]]] = ..., feature_cache: _Optional[_Union[FeatureCachePlan, _Mapping]] = ..., micro_batch_size: _Optional[int] = ..., warmup_steps: _Optional[int] = ..., num_auxiliary_parameters: _Optional[int] = ..., validation_every_epochs: _Optional[int] = ..., snapshots: _Optional[_Union[_train_run_pb2.SnapshotPlan, _Mapping]] = ..., num_devices: _Optional[int] = ...) -> None: ...

class PhasePlan(_message.Message):
    __slots__ = ("after_epochs", "after_steps", "after_plateau_epochs", "freeze", "optimizer_groups")
    AFTER_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    AFTER_STEPS_FIELD_NUMBER: _ClassVar[int]
    AFTER_PLATEAU_EPOCHS_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_GROUPS_FIELD_NUMBER: _ClassVar[int]
    after_epochs: int
    after_steps: int
    after_plateau_epochs: int
    freeze: FreezePlan
    optimizer_groups: _containers.RepeatedCompositeFieldContainer[OptimizerGroup]
    def __init__(self, after_epochs: _Optional[int] = ..., after_steps: _Optional[int] = ..., after_plateau_epochs: _Optional[int] = ..., freeze: _Optional[_Union[FreezePlan, _Mapping]] = ..., optimizer_groups: _Optional[_Iterable[_Union[OptimizerGroup, _Mapping]]] = ...) -> None: ...

class FeatureCachePlan(_message.Message):
    __slots__ = ("is_used", "reason", "boundary", "num_views")
    IS_USED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    BOUNDARY_FIELD_NUMBER: _ClassVar[int]
    NUM_VIEWS_FIELD_NUMBER: _ClassVar[int]
    is_used: bool
    reason: str
    boundary: _containers.RepeatedScalarFieldContainer[str]
    num_views: int
    def __init__(self, is_used: bool = ..., reason: _Optional[str] = ..., boundary: _Optional[_Iterable[str]] = ..., num_views: _Optional[int] = ...) -> None: ...

class FreezePlan(_message.Message):
    __slots__ = ("mode", "norm", "num_trainable_parameters", "num_frozen_parameters", "trainable", "train_modules", "rows")
    MODE_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAINABLE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_FROZEN_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    TRAINABLE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_MODULES_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    norm: NormPolicy
    num_trainable_parameters: int
    num_frozen_parameters: int
    trainable: _containers.RepeatedScalarFieldContainer[str]
    train_modules: _containers.RepeatedScalarFieldContainer[str]
    rows: _containers.RepeatedCompositeFieldContainer[PlanRow]
    def __init__(self, mode: _Optional[str] = ..., norm: _Optional[_Union[NormPolicy, str]] = ..., num_trainable_parameters: _Optional[int] = ..., num_frozen_parameters: _Optional[int] = ..., trainable: _Optional[_Iterable[str]] = ..., train_modules: _Optional[_Iterable[str]] = ..., rows: _Optional[_Iterable[_Union[PlanRow, _Mapping]]] = ...) -> None: ...

class PlanRow(_message.Message):
    __slots__ = ("name", "num_trainable_parameters", "num_frozen_parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUM_TRAINABLE_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    NUM_FROZEN_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    num_trainable_parameters: int
    num_frozen_parameters: int
    def __init__(self, name: _Optional[str] = ..., num_trainable_parameters: _Optional[int] = ..., num_frozen_parameters: _Optional[int] = ...) -> None: ...

class OptimizerGroup(_message.Message):
    __slots__ = ("name", "lr", "weight_decay", "num_parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_DECAY_FIELD_NUMBER: _ClassVar[int]
    NUM_PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    lr: float
    weight_decay: float
    num_parameters: int
    def __init__(self, name: _Optional[str] = ..., lr: _Optional[float] = ..., weight_decay: _Optional[float] = ..., num_parameters: _Optional[int] = ...) -> None: ...

class Export(_message.Message):
    __slots__ = ("name", "architecture_id", "backbone_digest", "state_digest", "files", "checkpoint", "create_time", "metrics", "epoch")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_ID_FIELD_NUMBER: _ClassVar[int]
    BACKBONE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    name: str
    architecture_id: str
    backbone_digest: str
    state_digest: str
    files: _containers.RepeatedCompositeFieldContainer[ExportFile]
    checkpoint: str
    create_time: _timestamp_pb2.Timestamp
    metrics: _containers.ScalarMap[str, float]
    epoch: int
    def __init__(self, name: _Optional[str] = ..., architecture_id: _Optional[str] = ..., backbone_digest: _Optional[str] = ..., state_digest: _Optional[str] = ..., files: _Optional[_Iterable[_Union[ExportFile, _Mapping]]] = ..., checkpoint: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., epoch: _Optional[int] = ...) -> None: ...

class ExportFile(_message.Message):
    __slots__ = ("kind", "path", "blob", "sample")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[ExportFile.Kind]
        KIND_BACKBONE_SAFETENSORS: _ClassVar[ExportFile.Kind]
        KIND_BACKBONE_CKPT: _ClassVar[ExportFile.Kind]
        KIND_MODEL_SAFETENSORS: _ClassVar[ExportFile.Kind]
        KIND_METADATA_JSON: _ClassVar[ExportFile.Kind]
        KIND_METRICS_CSV: _ClassVar[ExportFile.Kind]
        KIND_CURVES_PNG: _ClassVar[ExportFile.Kind]
        KIND_TENSORBOARD_EVENTS: _ClassVar[ExportFile.Kind]
        KIND_SAMPLE_PNG: _ClassVar[ExportFile.Kind]
    KIND_UNSPECIFIED: ExportFile.Kind
    KIND_BACKBONE_SAFETENSORS: ExportFile.Kind
    KIND_BACKBONE_CKPT: ExportFile.Kind
    KIND_MODEL_SAFETENSORS: ExportFile.Kind
    KIND_METADATA_JSON: ExportFile.Kind
    KIND_METRICS_CSV: ExportFile.Kind
    KIND_CURVES_PNG: ExportFile.Kind
    KIND_TENSORBOARD_EVENTS: ExportFile.Kind
    KIND_SAMPLE_PNG: ExportFile.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    BLOB_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    kind: ExportFile.Kind
    path: str
    blob: _blob_service_pb2.Blob
    sample: PredictionSample
    def __init__(self, kind: _Optional[_Union[ExportFile.Kind, str]] = ..., path: _Optional[str] = ..., blob: _Optional[_Union[_blob_service_pb2.Blob, _Mapping]] = ..., sample: _Optional[_Union[PredictionSample, _Mapping]] = ...) -> None: ...

class PredictionSample(_message.Message):
    __slots__ = ("image", "truth", "prediction", "is_right", "is_among_worst", "panels", "gap_px", "width_px", "height_px", "legend")
    class Panel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        PANEL_UNSPECIFIED: _ClassVar[PredictionSample.Panel]
        PANEL_IMAGE: _ClassVar[PredictionSample.Panel]
        PANEL_TRUTH: _ClassVar[PredictionSample.Panel]
        PANEL_PREDICTION: _ClassVar[PredictionSample.Panel]
    PANEL_UNSPECIFIED: PredictionSample.Panel
    PANEL_IMAGE: PredictionSample.Panel
    PANEL_TRUTH: PredictionSample.Panel
    PANEL_PREDICTION: PredictionSample.Panel
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    TRUTH_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    IS_RIGHT_FIELD_NUMBER: _ClassVar[int]
    IS_AMONG_WORST_FIELD_NUMBER: _ClassVar[int]
    PANELS_FIELD_NUMBER: _ClassVar[int]
    GAP_PX_FIELD_NUMBER: _ClassVar[int]
    WIDTH_PX_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_PX_FIELD_NUMBER: _ClassVar[int]
    LEGEND_FIELD_NUMBER: _ClassVar[int]
    image: str
    truth: str
    prediction: str
    is_right: bool
    is_among_worst: bool
    panels: _containers.RepeatedScalarFieldContainer[PredictionSample.Panel]
    gap_px: int
    width_px: int
    height_px: int
    legend: _containers.RepeatedCompositeFieldContainer[ClassColor]
    def __init__(self, image: _Optional[str] = ..., truth: _Optional[str] = ..., prediction: _Optional[str] = ..., is_right: bool = ..., is_among_worst: bool = ..., panels: _Optional[_Iterable[_Union[PredictionSample.Panel, str]]] = ..., gap_px: _Optional[int] = ..., width_px: _Optional[int] = ..., height_px: _Optional[int] = ..., legend: _Optional[_Iterable[_Union[ClassColor, _Mapping]]] = ...) -> None: ...

class ClassColor(_message.Message):
    __slots__ = ("class_name", "color")
    CLASS_NAME_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    class_name: str
    color: str
    def __init__(self, class_name: _Optional[str] = ..., color: _Optional[str] = ...) -> None: ...
