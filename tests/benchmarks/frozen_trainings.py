"""Trainings of partly frozen models: ours with and without kept features, and a textbook's.

All start from one state, see the same JPEG files in folders, take the same number of steps and look
at the same few validation images after every epoch. Loading the model is left out, and so is
reading the data on our side, once, unless a row says otherwise: the textbook decodes every image in
every epoch, as its DataLoader does.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks import trainings
from tests.benchmarks.rows import Sample, stopwatch
from tests.fakes.job_models import write_job_model
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import DatasetSpec, EpochMetrics, JobEvent, JobSpec, TrainPlan, WorkOrder
from trainer_service.jobs.learning_spec import FeatureCacheSpec
from trainer_service.run_job import load_model, make_plan, make_training, read_data, run_loop
from trainer_service.run_job.learning import with_kept_features
from trainer_service.stop_switch import StopSwitch

NUM_THREADS = 2
ENOUGH_BYTES = 2 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is trained."""

    architecture_id: str = "resnet18"
    side_px: int = 128
    batch_size: int = 32
    num_images: int
    num_validation_images: int = 8
    num_epochs: int
    num_rounds: int

    def __str__(self) -> str:
        """Return what a command line would say."""
        return (
            f"{self.architecture_id}, {self.num_images} images at {self.side_px} px, batches of"
            f" {self.batch_size}, {self.num_epochs} epochs"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a training took, and what it left."""

    sample: Sample
    """`wall_s`, `cpu_s`: from the frozen model to the last validation. `whole_wall_s`,
    `whole_cpu_s`: with the reading of all images. `epoch_wall_s`, `epoch_cpu_s`: the median epoch
    after the first.
    """
    state: dict[str, Tensor]
    """What trained."""


@contextmanager
def order_of(size: Size, freeze: FreezeMode) -> Iterator[WorkOrder]:
    """Yield the order of a job, with its model and its images on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        trainings.draw_jpegs(folder / "train", size.num_images)
        trainings.draw_jpegs(folder / "validation", size.num_validation_images)
        model = write_job_model(
            folder / "model", size.architecture_id, trainings.CLASS_NAMES, side_px=size.side_px
        )
        yield WorkOrder(
            job_id="job1",
            attempt=1,
            nonce="nonce1",
            spec=JobSpec(
                model=model.spec,
                freeze=freeze,
                dataset=DatasetSpec(
                    kind="image_folder",
                    path=str(folder / "train"),
                    validation_path=str(folder / "validation"),
                ),
                num_epochs=size.num_epochs,
                batch_size=size.batch_size,
            ),
            model=model,
            export_dir=str(folder / "export"),
            num_threads=NUM_THREADS,
            allowed_roots=(str(folder),),
            features_budget_bytes=ENOUGH_BYTES,
        )


def job(
    order: WorkOrder,
    *,
    is_kept: bool = True,
    precision: Literal["fp32", "bf16"] = "fp32",
    features_folder: str = "",
) -> Run:
    """Do what a worker does between loading the model and the export."""
    policy: Literal["required", "never"] = "required" if is_kept else "never"
    spec = replace(order.spec, feature_cache=FeatureCacheSpec(policy=policy), precision=precision)
    order = replace(order, spec=spec, features_folder=features_folder)
    torch.set_num_threads(order.num_threads)
    model = load_model(order.model)
    stop, plan = StopSwitch(), make_plan(order)
    with stopwatch() as reading, ThreadPoolExecutor(order.num_threads) as pool:
        dataset = read_data(order, plan, pool, _ignored, stop)
    ends = _EpochEnds()
    with stopwatch() as learning:
        training = make_training(order, plan, model, dataset, torch.device("cpu"))
        seal = Seal(model, moving_tensors(order.model.layout, plan.freeze))
        run_loop(with_kept_features(training, order, _ignored, stop), seal, ends, stop)
        seal.check(model, when="the end")
    return Run(
        sample={
            "wall_s": learning.wall_s,
            "cpu_s": learning.cpu_s,
            "whole_wall_s": reading.wall_s + learning.wall_s,
            "whole_cpu_s": reading.cpu_s + learning.cpu_s,
            "epoch_wall_s": ends.median_wall_s,
            "epoch_cpu_s": ends.median_cpu_s,
        },
        state=trained_part(model, plan),
    )


def textbook(
    order: WorkOrder, size: Size, *, num_epochs: int, trained: tuple[str, ...] = ("fc.",)
) -> Sample:
    """Train what begins so: `requires_grad = False` for all else, the whole model in training mode,
    images decoded in every epoch. Some epochs are run; they are told as if it were all of them.
    """
    torch.set_num_threads(order.num_threads)
    model = torchvision.models.get_model(
        size.architecture_id, num_classes=len(trainings.CLASS_NAMES)
    )
    files = (order.model.backbone_path, order.model.head_path)
    model.load_state_dict({**load_file(files[0]), **load_file(files[1])})
    with stopwatch() as watch:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith(trained)
        trainings.plain_loop(
            model,
            order,
            trainings.Size(
                side_px=size.side_px,
                batch_size=size.batch_size,
                num_images=size.num_images,
                num_epochs=num_epochs,
                num_rounds=1,
            ),
        )
    wall_s, cpu_s = watch.wall_s / num_epochs, watch.cpu_s / num_epochs
    return {
        "whole_wall_s": wall_s * size.num_epochs,
        "whole_cpu_s": cpu_s * size.num_epochs,
        "epoch_wall_s": wall_s,
        "epoch_cpu_s": cpu_s,
    }


def trained_part(model: nn.Module, plan: TrainPlan) -> dict[str, Tensor]:
    """Return a copy of what trained."""
    state = model.state_dict()
    return {name: state[name].clone() for name in plan.freeze.trainable}


def _ignored(event: JobEvent) -> None:
    """Nobody watches."""


class _EpochEnds:
    """Looks at the clocks when a validation is over: before the first epoch, then after each."""

    def __init__(self) -> None:
        self._wall_s: list[float] = []
        self._cpu_s: list[float] = []

    def __call__(self, event: JobEvent) -> None:
        if isinstance(event, EpochMetrics) and event.split == "validation":
            self._wall_s.append(time.perf_counter())
            self._cpu_s.append(time.process_time())

    @property
    def median_wall_s(self) -> float:
        """Return how long an epoch after the first took."""
        return _median_step(self._wall_s[1:])

    @property
    def median_cpu_s(self) -> float:
        """Return its CPU seconds."""
        return _median_step(self._cpu_s[1:])


def _median_step(times_s: list[float]) -> float:
    return statistics.median(later - earlier for earlier, later in pairwise(times_s))
