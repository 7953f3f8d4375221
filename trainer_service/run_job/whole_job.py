"""A job from its order to its export, in numbered steps. The worker program runs it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from trainer_service.backbone_export import ExportFacts, export_backbone, probe_of
from trainer_service.jobs import Finished, JobEvent, JobMessage, Planned, SnapshotRef, WorkOrder
from trainer_service.run_job.learning import (
    make_training,
    recalibrate_norms,
    run_loop,
    with_kept_features,
)
from trainer_service.run_job.ordered_data import Emit, make_plan, read_data, telling_losses
from trainer_service.run_job.ordered_model import load_model, prepare_device
from trainer_service.run_job.snapshots import chosen_snapshot, keeping_for, sealed, writing
from trainer_service.run_views import RunViews
from trainer_service.snapshots.snapshot_reader import read_views
from trainer_service.stop_switch import StopSwitch


def run_job(order: WorkOrder, emit: Emit, stop: StopSwitch) -> Finished:
    """Do what the order says, from its newest whole snapshot on.

    Raises:
        VertebraError: what went wrong, for people; its reason is the job's failure reason.
        StopRequested: a stop was asked for; its word says what came of it.
    """
    snapshot = chosen_snapshot(order, emit, stop)
    if not order.run_folder:
        return follow(order, emit, stop, snapshot)
    shown = read_views(snapshot) if snapshot else {}
    with RunViews(Path(order.run_folder), emit, saved=shown) as views:

        def tell(event: JobEvent) -> None:
            emit(event)
            views.add(event)

        return follow(order, tell, stop, snapshot, views)


def follow(
    order: WorkOrder,
    emit: Emit,
    stop: StopSwitch,
    snapshot: SnapshotRef | None,
    views: RunViews | None = None,
) -> Finished:
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
        # 4. Freezing, and the one pass that may move frozen statistics; or what an earlier attempt
        #    had reached.
        training = make_training(order, plan, model, dataset, device)
        if snapshot is None:
            recalibrate_norms(training, dataset, order, emit, stop)
        write = writing(order, dataset.fingerprint, views.saved if views else dict)
        keeping = keeping_for(order, plan, stop, snapshot, write)
        seal = sealed(training, keeping.saved, dataset.fingerprint, emit)
        # 5. The loop.
        training = with_kept_features(training, order, emit, stop)
        trained = run_loop(training, seal, telling_losses(dataset, emit), stop, keeping)
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
            views=views.finished(exported_epoch=trained.epoch) if views else {},
        )
        return Finished(exports=(export_backbone(model, facts, probe_of(training.batches)),))
