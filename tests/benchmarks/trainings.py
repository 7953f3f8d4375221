"""The same training several times: as our worker does it, and as others do.

Both start from one state, see the same JPEG files in folders, take the same number of steps and
look at the same few validation images after every epoch. Loading the model is left out on both
sides. Ours includes what a job does besides: checking and hashing every image once, hashing what is
frozen before, after every epoch and at the end, metrics over every pass, and one validation before
training.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from catalog_service.models.freeze_plan import FreezeMode
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, stopwatch, take_turns
from tests.fakes.job_models import IMAGENET_MEAN, IMAGENET_STD, write_job_model
from trainer_service.freezing import Seal, moving_tensors
from trainer_service.jobs import DatasetSpec, JobSpec, WorkOrder
from trainer_service.run_job import load_model, make_plan, make_training, read_data, run_loop
from trainer_service.stop_switch import StopSwitch

CLASS_NAMES = ("a", "b", "c", "d")
METRICS = (
    Metric(name="wall_s", title="wall s"),
    Metric(name="cpu_s", title="CPU s"),
    Metric(name="images_per_s", title="images/s", more_is_better=True),
    Metric(name="cpu_s_per_image", title="CPU ms per image", scale=1000),
)
FILE_SIDE_PX = 128
Loader = DataLoader[tuple[Tensor, Tensor]]
NUM_THREADS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is trained."""

    architecture_id: str = "resnet18"
    side_px: int = 64
    batch_size: int = 32
    num_images: int
    num_validation_images: int = 8
    num_epochs: int
    num_rounds: int

    @property
    def num_images_seen(self) -> int:
        """Return over all epochs; both sides leave out the rest after the last whole batch."""
        return self.num_images // self.batch_size * self.batch_size * self.num_epochs


Loop = Callable[[nn.Module, WorkOrder, Size], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Somebody else's way to train the order's model on the order's folders."""

    name: str
    command: str
    loop: Loop


def side_by_side(
    benchmark: str, size: Size, freeze: FreezeMode, peers: Sequence[Peer] = ()
) -> list[Row]:
    """Return rows of our loop beside others, with everything or only the head training."""
    with _order(size, freeze) as order:
        ours = Way(
            name="our worker's loop",
            command=f"read_data; make_training; run_loop ({freeze.kind}, {_words(size)})",
            run=lambda: _ours(order, size),
        )
        plain = Peer(name="plain loop", command=PLAIN[freeze.kind], loop=plain_loop)
        others = [
            Way(name=peer.name, command=peer.command, run=partial(_peer, order, size, peer.loop))
            for peer in (plain, *peers)
        ]
        samples = take_turns([ours, *others], size.num_rounds)
    return [row for other in others for row in compare(benchmark, ours, other, METRICS, samples)]


PLAIN = {
    "full": "DataLoader(ImageFolder(transform)); AdamW(model.parameters()); model.train()",
    "frozen_backbone": "requires_grad = False; AdamW(model.fc.parameters()); model.train();"
    " DataLoader(ImageFolder(transform))",
}


def _words(size: Size) -> str:
    return (
        f"{size.architecture_id}, {size.num_images} images at {size.side_px} px, batches of"
        f" {size.batch_size}, {size.num_epochs} epochs"
    )


@contextmanager
def _order(size: Size, freeze: FreezeMode) -> Iterator[WorkOrder]:
    """Yield the order of a job, with its model and its images on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_jpegs(folder / "train", size.num_images)
        draw_jpegs(folder / "validation", size.num_validation_images)
        model = write_job_model(
            folder / "model", size.architecture_id, CLASS_NAMES, side_px=size.side_px
        )
        dataset = DatasetSpec(
            kind="image_folder",
            path=str(folder / "train"),
            validation_path=str(folder / "validation"),
        )
        yield WorkOrder(
            job_id="job1",
            attempt=1,
            nonce="nonce1",
            spec=JobSpec(
                model=model.spec,
                freeze=freeze,
                dataset=dataset,
                num_epochs=size.num_epochs,
                batch_size=size.batch_size,
            ),
            model=model,
            export_dir=str(folder / "export"),
            num_threads=NUM_THREADS,
            allowed_roots=(str(folder),),
        )


def draw_jpegs(root: Path, count: int) -> None:
    """Write smooth noise as JPEG files, in one folder per class."""
    random = np.random.default_rng(0)
    for number in range(count):
        folder = root / CLASS_NAMES[number % len(CLASS_NAMES)]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
        image = Image.fromarray(pixels).resize((FILE_SIDE_PX, FILE_SIDE_PX))
        image.save(folder / f"{number:05}.jpg", quality=90)


def _ours(order: WorkOrder, size: Size) -> Sample:
    stop = StopSwitch()
    torch.set_num_threads(order.num_threads)
    model = load_model(order.model)
    with stopwatch() as watch, ThreadPoolExecutor(order.num_threads) as pool:
        plan = make_plan(order)
        dataset = read_data(order, plan, pool, lambda event: None, stop)
        training = make_training(order, plan, model, dataset, torch.device("cpu"))
        seal = Seal(model, moving_tensors(order.model.layout, plan.freeze))
        run_loop(training, seal, lambda event: None, stop)
        seal.check(model, when="the end")
    assert plan.num_steps * size.batch_size == size.num_images_seen
    return _sample(watch.wall_s, watch.cpu_s, size)


def _peer(order: WorkOrder, size: Size, loop: Loop) -> Sample:
    torch.set_num_threads(order.num_threads)
    model = torchvision.models.get_model(size.architecture_id, num_classes=len(CLASS_NAMES))
    files = (order.model.backbone_path, order.model.head_path)
    model.load_state_dict({**load_file(files[0]), **load_file(files[1])})
    with stopwatch() as watch:
        if order.spec.freeze.kind == "frozen_backbone":
            for name, parameter in model.named_parameters():
                parameter.requires_grad = name.startswith("fc.")
        loop(model, order, size)
    return _sample(watch.wall_s, watch.cpu_s, size)


def folder_loaders(order: WorkOrder, size: Size) -> tuple[Loader, Loader]:
    """Return torch's own batches of the training and of the validation folder."""
    train, validation = (
        DataLoader(
            ImageFolder(folder, _transform(size.side_px)),
            batch_size=size.batch_size,
            shuffle=is_train,
            drop_last=is_train,
        )
        for folder, is_train in (
            (order.spec.dataset.path, True),
            (order.spec.dataset.validation_path, False),
        )
    )
    return train, validation


def plain_loop(model: nn.Module, order: WorkOrder, size: Size) -> None:
    """What a tutorial shows."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained)
    train, validation = folder_loaders(order, size)
    for _ in range(size.num_epochs):
        model.train()
        loss_sum = 0.0
        for images, labels in train:
            optimizer.zero_grad()
            loss = cross_entropy(model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss_sum += loss.item()
        model.eval()
        with torch.no_grad():
            for images, labels in validation:
                loss_sum += cross_entropy(model(images), labels).item()


def _transform(side_px: int) -> transforms.Compose:
    return transforms.Compose(
        [
            transforms.Resize((side_px, side_px)),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )


def _sample(wall_s: float, cpu_s: float, size: Size) -> Sample:
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "images_per_s": size.num_images_seen / wall_s,
        "cpu_s_per_image": cpu_s / size.num_images_seen,
    }
