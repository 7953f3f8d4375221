"""What to train, with every default filled in. Checked before a value of these exists."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog_service.models.freeze_plan import FreezeMode, NormPolicy
from catalog_service.models.spec import ModelSpec
from trainer_service.jobs.dataset_spec import DatasetSpec
from trainer_service.jobs.learning_spec import (
    AugmentationStep,
    CompilePolicy,
    EarlyStopping,
    ExportedState,
    FeatureCacheSpec,
    LossSpec,
    OptimizerSpec,
    Precision,
    PreprocessingSpec,
    ScheduleSpec,
    SimClrSpec,
)
from trainer_service.jobs.run_spec import RunSpec

DEFAULT_BATCH_SIZE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSpec:
    """What a finished job leaves besides its files."""

    register_as: str = ""
    """Checkpoint id in the catalog; empty means: register nothing."""
    note: str = ""
    state: ExportedState = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to train. Immutable once the job exists."""

    display_name: str = ""
    model: ModelSpec
    """`pretrained` is never None here, and a task always has its class names or count."""
    freeze: FreezeMode
    norm: NormPolicy = ""
    """Empty means the usual one of the freeze mode; a plan never has an empty one."""
    dataset: DatasetSpec
    optimizer: OptimizerSpec = field(default_factory=OptimizerSpec)
    num_epochs: int
    """0 where `num_steps` says how long."""
    num_steps: int = 0
    validation_every_epochs: int = 1
    batch_size: int = DEFAULT_BATCH_SIZE
    micro_batch_size: int = 0
    """0 means batch_size."""
    seed: int = 0
    augmentation: tuple[AugmentationStep, ...] = ()
    export: ExportSpec = field(default_factory=ExportSpec)
    loss: LossSpec = field(default_factory=LossSpec)
    schedule: ScheduleSpec = field(default_factory=ScheduleSpec)
    early_stopping: EarlyStopping | None = None
    max_grad_norm: float = 0.0
    """0 means that gradients are not cut."""
    precision: Precision = "fp32"
    compile: CompilePolicy = "never"
    simclr: SimClrSpec | None = None
    preprocessing: PreprocessingSpec = field(default_factory=PreprocessingSpec)
    feature_cache: FeatureCacheSpec = field(default_factory=FeatureCacheSpec)
    labels: Mapping[str, str] = field(default_factory=dict)
    run: RunSpec = field(default_factory=RunSpec)

    @property
    def kind(self) -> str:
        """Return what is learned: a task of the model, `multilabel`, or `simclr`."""
        if self.simclr is not None:
            return "simclr"
        task = self.model.task
        if task is None:
            return "classification"
        if task.kind == "classification" and task.multilabel:
            return "multilabel"
        return task.kind
