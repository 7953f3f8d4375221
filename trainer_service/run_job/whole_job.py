"""A job from its order to its export, in numbered steps. The worker program runs it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torch import nn

from trainer_service.backbone_export import ExportFacts, export_backbone, probe_of
from trainer_service.datasets.read import Dataset
from trainer_service.jobs import (
    Finished,
    JobEvent,
    JobMessage,
    Planned,
    SnapshotRef,
    TrainPlan,
    WorkOrder,
)
from trainer_service.rank_place import RankPlace
from trainer_service.run_job.learning import (
    make_training,
    recalibrate_norms,
    run_loop,
    with_kept_features,
)
from trainer_service.run_job.ordered_data import Emit, make_plan, read_data, telling_losses
from trainer_service.run_job.ordered_model import load_model, prepare_device
from trainer_service.run_job.sampling import Samples, drawn_samples
from trainer_service.run_job.several_ranks import (
    one_first,
    shared_out,
    snapshot_of_all,
    written_by_first,
)
from trainer_service.run_job.snapshots import keeping_for, sealed, writing
from trainer_service.run_views import RunViews
from trainer_service.snapshots.snapshot_reader import read_views
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.joining import join
from trainer_service.train.keeping import Write
from trainer_service.train.loop import Trained, Training
from trainer_service.train.ranks import Ranks
from trainer_service.work_spans import WorkSpans, spans_of


def run_job(
    order: WorkOrder, emit: Emit, stop: StopSwitch, place: RankPlace | None = None
) -> Finished:
    """Do what the order says, from its newest whole snapshot on.

    Args:
        place: of this process among several that do it together; those above rank 0 export nothing,
            and nobody needs to hear them.

    Raises:
        VertebraError: what went wrong, for people; its reason is the job's failure reason.
        StopRequested: a stop was asked for; its word says what came of it.
        RankLost: another process is gone.
    """
    ranks = join(place, prepare_device(order, place))
    snapshot = snapshot_of_all(order, emit, stop, ranks)
    if not order.run_folder:
        return follow(order, emit, stop, snapshot, ranks)
    shown = read_views(snapshot) if snapshot else {}
    with RunViews(Path(order.run_folder), emit, saved=shown) as views:

        def tell(event: JobEvent) -> None:
            emit(event)
            views.add(event)

        return follow(order, tell, stop, snapshot, ranks, views)


def follow(
    order: WorkOrder,
    emit: Emit,
    stop: StopSwitch,
    snapshot: SnapshotRef | None,
    ranks: Ranks,
    views: RunViews | None = None,
) -> Finished:
    """Do what the order says, step by step."""
    spans = spans_of(order, is_first=ranks.is_first)
    # 1. The model, and that it is the one that was ordered.
    emit(JobMessage(text=f"loading {order.model.recipe.architecture_id}"))
    model = spans.timed("load model", lambda: load_model(order.model))
    # 2. The plan: the same that PlanTrainJob shows.
    plan = one_first(ranks, order, lambda: make_plan(order))
    emit(Planned(plan=plan))
    with ThreadPoolExecutor(order.num_threads, thread_name_prefix="decode") as pool:
        # 3. The data, every image decoded once.
        with spans.span("check data"):
            dataset = one_first(ranks, order, lambda: read_data(order, plan, pool, emit, stop))
        # 4. Freezing, and the one pass that may move frozen statistics; or an earlier attempt's.
        training = make_training(order, plan, model, dataset, ranks.device)
        if snapshot is None:
            recalibrate_norms(training, dataset, order, emit, stop)
        training = shared_out(training, ranks)
        write = first_writes(order, dataset, views, ranks)
        keeping = keeping_for(order, plan, stop, snapshot, write, ranks)
        seal = sealed(training, keeping.saved, dataset.fingerprint, emit)
        # 5. The loop.
        training = with_kept_features(training, order, emit, stop)
        tell = spans.telling(telling_losses(dataset, emit, ranks))
        trained = spans.timed("train", lambda: run_loop(training, seal, tell, stop, keeping))
        ranks.leave()
        if not ranks.is_first:
            return Finished(exports=())
        # 6. The export: nothing counts as saved before it was read back.
        emit(JobMessage(text="exporting"))
        samples = samples_of(order, training, dataset, emit, stop, spans)
        facts = facts_of(order, plan, dataset, trained, views, samples)
        return spans.timed("export", lambda: exported(model, facts, training))


def exported(model: nn.Module, facts: ExportFacts, training: Training) -> Finished:
    """Return the last word of a job whose export is whole."""
    return Finished(exports=(export_backbone(model, facts, probe_of(training.batches)),))


def first_writes(order: WorkOrder, dataset: Dataset, views: RunViews | None, ranks: Ranks) -> Write:
    """Return what writes snapshots: one process, with what the views have shown."""
    write = writing(order, dataset.fingerprint, views.saved if views else dict)
    return written_by_first(write, order.attempt, ranks)


def samples_of(
    order: WorkOrder,
    training: Training,
    dataset: Dataset,
    emit: Emit,
    stop: StopSwitch,
    spans: WorkSpans,
) -> Samples:
    """Return pictures of what the model makes of some images, beside the views of the run."""
    stop.check()
    if not order.run_folder:
        return {}
    with spans.span("draw samples"):
        return drawn_samples(Path(order.run_folder), training, dataset, emit, stop)


def facts_of(
    order: WorkOrder,
    plan: TrainPlan,
    dataset: Dataset,
    trained: Trained,
    views: RunViews | None,
    samples: Samples,
) -> ExportFacts:
    """Return what an export tells of how it came about."""
    return ExportFacts(
        order=order,
        plan=plan,
        fingerprint=dataset.fingerprint,
        metrics=trained.metrics,
        epoch=trained.epoch,
        evaluation=trained.evaluation,
        report=dataset.report,
        views=views.finished(exported_epoch=trained.epoch) if views else {},
        samples=samples,
    )
