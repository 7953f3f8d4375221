"""The data of an order: planned for without a look at a pixel, then read and checked."""

import json
from collections.abc import Callable
from concurrent.futures import Executor

from catalog_service.errors import listed
from catalog_service.models.plain_json import from_plain, to_plain
from trainer_service.datasets.images import ImagesOnDisk
from trainer_service.datasets.inspect import inspect
from trainer_service.datasets.quarantine import Quarantine
from trainer_service.datasets.read import Dataset, read_dataset
from trainer_service.datasets.staging import fetched, outlined
from trainer_service.datasets.wants import data_wants
from trainer_service.jobs import (
    DataChecked,
    EpochMetrics,
    JobEvent,
    JobMessage,
    JobWarning,
    TrainPlan,
    UnusableImage,
    WorkOrder,
)
from trainer_service.plan import train_plan
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.ranks import ALONE, Ranks

NOT_KEPT = (
    "decoded images do not fit into memory, so every epoch decodes them anew: smaller images or a"
    " host with more memory would be faster"
)

Emit = Callable[[JobEvent], None]


def make_plan(order: WorkOrder) -> TrainPlan:
    """Return the plan, as PlanTrainJob makes it."""
    output = order.model.output
    here, roots = outlined(order.spec.dataset, order.allowed_roots, order.staging_folder)
    summary = inspect(here, data_wants(order.spec), roots)
    return train_plan(order.spec, order.model.layout, order.model.input, output, summary)


def read_data(
    order: WorkOrder, plan: TrainPlan, pool: Executor, emit: Emit, stop: StopSwitch
) -> Dataset:
    """Return the checked images, telling how far the check is."""
    num_images = plan.num_train_images + plan.num_validation_images
    emit(JobMessage(text=f"checking {num_images:,} images"))

    def progress(num_checked: int, num_images: int) -> None:
        stop.check()
        if num_checked % 10_000 < 256 and num_checked >= 10_000:
            emit(JobMessage(text=f"checked {num_checked:,} of {num_images:,} images"))

    here, roots = fetched(
        order.spec.dataset,
        order.allowed_roots,
        order.staging_folder,
        pool=pool,
        progress=lambda num_fetched, num_files: stop.check(),
    )
    dataset = read_dataset(
        here,
        data_wants(order.spec, plan.input),
        allowed_roots=roots,
        pool=pool,
        progress=progress,
        num_sharing=order.num_ranks,
    )
    emit(DataChecked(report=dataset.report))
    if isinstance(dataset.train, ImagesOnDisk) and not plan.input.is_image_list:
        emit(JobWarning(code="IMAGES_NOT_KEPT", text=NOT_KEPT))
    return dataset


def telling_losses(dataset: Dataset, emit: Emit, ranks: Ranks = ALONE) -> Emit:
    """Return `emit` that also tells, epoch by epoch, which images could not be read any more; on
    the first rank those of all. All ranks have the same epochs, and so meet here.
    """

    def tell(event: JobEvent) -> None:
        emit(event)
        if isinstance(event, EpochMetrics) and (lost := _lost_by_all(dataset.quarantine, ranks)):
            named = listed([f"{each.path!r} ({each.reason})" for each in lost])
            emit(JobWarning(code="IMAGES_LEFT_OUT", text=f"{len(lost)} images left out: {named}"))

    return tell


def _lost_by_all(quarantine: Quarantine, ranks: Ranks) -> tuple[UnusableImage, ...]:
    """Return what was lost since the last call; on ranks above the first what they lost.

    Raises:
        DataInvalid: all ranks together have lost too many.
    """
    own = quarantine.take_news()
    for said in ranks.said(json.dumps(to_plain(own)))[1:]:
        quarantine.add_of_others([from_plain(UnusableImage, each) for each in json.loads(said)])
    return (*own, *quarantine.take_news())
