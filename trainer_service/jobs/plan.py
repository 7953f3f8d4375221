"""What a job will do, before anything runs. `trainer_service/plan.py` makes it."""

from dataclasses import dataclass

from catalog_service.models.contracts import InputContract, OutputContract
from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.jobs.spec import OptimizerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerGroup:
    """Parameters that share their settings."""

    name: str
    lr: float
    weight_decay: float
    num_parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """The same whether PlanTrainJob or the worker made it."""

    freeze: FreezePlan
    input: InputContract
    output: OutputContract
    num_train_images: int
    num_validation_images: int
    num_steps_per_epoch: int
    num_steps: int
    optimizer: OptimizerSpec
    optimizer_groups: tuple[OptimizerGroup, ...] = ()
    warnings: tuple[str, ...] = ()
    num_images_per_class: tuple[int, ...] = ()
    """In the training set, in class order."""
