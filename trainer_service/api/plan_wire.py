"""Plans: value -> message."""

from collections.abc import Sequence

from catalog_service.model_wire import input_to_message, output_to_message
from catalog_service.models.freeze_plan import FreezePlan
from trainer_service.api.run_wire import snapshot_plan_message
from trainer_service.api.spec_wire import loss_message, optimizer_message
from trainer_service.api.words import NORMS, number_of
from trainer_service.jobs import FeatureCachePlan, OptimizerGroup, PhasePlan, TrainPlan
from vertebra.trainer.v1 import train_job_pb2 as pb


def plan_message(plan: TrainPlan) -> pb.TrainPlan:
    """Return what a job will do."""
    return pb.TrainPlan(
        freeze=freeze_plan_message(plan.freeze),
        input=input_to_message(plan.input),
        output=output_to_message(plan.output),
        num_train_images=plan.num_train_images,
        num_validation_images=plan.num_validation_images,
        num_steps_per_epoch=plan.num_steps_per_epoch,
        num_steps=plan.num_steps,
        optimizer=optimizer_message(plan.optimizer),
        optimizer_groups=group_messages(plan.optimizer_groups),
        warnings=plan.warnings,
        num_images_per_class=plan.num_images_per_class,
        task=plan.task,
        loss=loss_message(plan.loss, plan.task),
        main_metric=plan.main_metric,
        main_metric_grows=plan.main_metric_grows,
        phases=[_phase_message(phase) for phase in plan.phases],
        feature_cache=_cache_message(plan.feature_cache),
        micro_batch_size=plan.micro_batch_size,
        warmup_steps=plan.warmup_steps,
        num_auxiliary_parameters=plan.num_auxiliary_parameters,
        validation_every_epochs=plan.validation_every_epochs,
        snapshots=snapshot_plan_message(plan.snapshots),
        num_devices=plan.num_devices,
    )


def freeze_plan_message(plan: FreezePlan) -> pb.FreezePlan:
    """Return which parts train."""
    return pb.FreezePlan(
        mode=plan.mode,
        norm=number_of(NORMS, plan.norm),
        num_trainable_parameters=plan.num_trainable_parameters,
        num_frozen_parameters=plan.num_frozen_parameters,
        trainable=plan.trainable,
        train_modules=plan.train_modules,
        rows=[
            pb.PlanRow(
                name=row.name,
                num_trainable_parameters=row.num_trainable_parameters,
                num_frozen_parameters=row.num_frozen_parameters,
            )
            for row in plan.rows
        ],
    )


def group_messages(groups: Sequence[OptimizerGroup]) -> list[pb.OptimizerGroup]:
    """Return the optimizer's groups; the names of their parameters are the freeze plan's."""
    return [
        pb.OptimizerGroup(
            name=group.name,
            lr=group.lr,
            weight_decay=group.weight_decay,
            num_parameters=group.num_parameters,
        )
        for group in groups
    ]


def _phase_message(phase: PhasePlan) -> pb.PhasePlan:
    return pb.PhasePlan(
        after_epochs=phase.after_epochs,
        after_steps=phase.after_steps,
        after_plateau_epochs=phase.after_plateau_epochs,
        freeze=freeze_plan_message(phase.freeze),
        optimizer_groups=group_messages(phase.optimizer_groups),
    )


def _cache_message(plan: FeatureCachePlan) -> pb.FeatureCachePlan:
    return pb.FeatureCachePlan(
        is_used=plan.is_used,
        reason=plan.reason,
        boundary=plan.boundary,
        num_views=plan.num_views,
    )
