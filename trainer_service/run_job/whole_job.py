"""A job from its order to its export, in numbered steps. The worker program runs it."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trainer_service.backbone_export import ExportFacts, export_backbone, probe_of
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import Finished, JobEvent, JobMessage, Planned, WorkOrder
from trainer_service.jobs.events import ExportFileKind
from trainer_service.run_job.learning import (
    make_training,
    recalibrate_norms,
    run_loop,
    with_kept_features,
)
from trainer_service.run_job.ordered_data import Emit, make_plan, read_data, telling_losses
from trainer_service.run_job.ordered_model import load_model, prepare_device
from trainer_service.run_views import RunViews
from trainer_service.stop_switch import StopSwitch

Views = Callable[[int], Mapping[ExportFileKind, Path]]
"""Given the exported epoch, finishes the files about the run and returns them."""


def run_job(order: WorkOrder, emit: Emit, stop: StopSwitch) -> Finished:
    """Do what the order says.

    Raises:
        VertebraError: what went wrong, for people; its reason is the job's failure reason.
        StopRequested: a stop was asked for.
    """
    if not order.run_folder:
        return follow(order, emit, stop, lambda epoch: {})
    with RunViews(Path(order.run_folder), emit) as views:

        def tell(event: JobEvent) -> None:
            emit(event)
            views.add(event)

        return follow(order, tell, stop, lambda epoch: views.finished(exported_epoch=epoch))


def follow(order: WorkOrder, emit: Emit, stop: StopSwitch, finished_views: Views) -> Finished:
    """Do what the order says, step by step."""
    device = prepare_device(order)
    # 1. The model, and that it is the one that was ordered.
    emit(JobMessage(text=f"loading {order.model.recipe.architecture_id}"))
    model = load_model(order.model)
    # 2. The plan: the same that PlanTrainJob shows.
    plan = make_plan(order)
    emit(Planned(plan=plan))
    with ThreadPoolExecutor(order.num_threads, thread_name_prefix="decode") as pool:
        # 3. The data, every image decoded once.
        dataset = read_data(order, plan, pool, emit, stop)
        # 4. Freezing, and the one pass that may move frozen statistics.
        training = make_training(order, plan, model, dataset, device)
        recalibrate_norms(training, dataset, order, emit, stop)
        seal = Seal(model, moving_tensors(order.model.layout, plan.freeze))
        # 5. The loop.
        training = with_kept_features(training, order, emit, stop)
        trained = run_loop(training, seal, telling_losses(dataset, emit), stop)
        # 6. The export: nothing counts as saved before it was read back.
        stop.check()
        emit(JobMessage(text="exporting"))
        facts = ExportFacts(
            order=order,
            plan=plan,
            fingerprint=dataset.fingerprint,
            metrics=trained.metrics,
            epoch=trained.epoch,
            evaluation=trained.evaluation,
            report=dataset.report,
            views=finished_views(trained.epoch),
        )
        return Finished(exports=(export_backbone(model, facts, probe_of(training.batches)),))
