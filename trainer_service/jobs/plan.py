"""What a job will do, before anything runs. `trainer_service/plan.py` makes it."""

from dataclasses import dataclass, field

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.jobs.learning_spec import LossSpec, OptimizerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerGroup:
    """Parameters that share their settings."""

    name: str
    """`head weights`, `layer4 biases and norms`."""
    lr: float
    """Before the schedule; the rule of the optimizer is in it."""
    weight_decay: float
    num_parameters: int
    parameters: tuple[str, ...] = ()
    """Their names, in the layout's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhasePlan:
    """A part of the training in which the same parameters train. The first one starts at once."""

    after_epochs: int = 0
    after_steps: int = 0
    after_plateau_epochs: int = 0
    freeze: FreezePlan
    optimizer_groups: tuple[OptimizerGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureCachePlan:
    """Whether the frozen part's output is computed once and kept."""

    is_used: bool = False
    reason: str = ""
    boundary: tuple[str, ...] = ()
    """Modules whose input is kept."""
    num_views: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPlan:
    """How often training is saved, and what a crash may cost."""

    size_bytes: int = 0
    save_s: float = 0.0
    """Estimated."""
    interval_s: float = 0.0
    possible_loss_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """The same whether PlanTrainJob or the worker made it."""

    freeze: FreezePlan
    """Of the first phase."""
    input: InputContract
    output: OutputContract
    num_train_images: int
    num_validation_images: int
    num_steps_per_epoch: int
    num_steps: int
    optimizer: OptimizerSpec
    optimizer_groups: tuple[OptimizerGroup, ...] = ()
    """Of the first phase."""
    warnings: tuple[str, ...] = ()
    num_images_per_class: tuple[int, ...] = ()
    """In the training set, in class order."""
    task: str = "classification"
    loss: LossSpec = field(default_factory=LossSpec)
    main_metric: str = "accuracy"
    """Of the validation images."""
    main_metric_grows: bool = True
    phases: tuple[PhasePlan, ...] = ()
    feature_cache: FeatureCachePlan = field(default_factory=FeatureCachePlan)
    micro_batch_size: int = 0
    """Images that go through the model together; 0 means the whole batch."""
    warmup_steps: int = 0
    num_auxiliary_parameters: int = 0
    num_epochs: int = 0
    """The last one may end early, where the spec counts steps."""
    validation_every_epochs: int = 1
    """The last epoch is validated, too."""
    snapshots: SnapshotPlan = field(default_factory=SnapshotPlan)
    num_devices: int = 1
