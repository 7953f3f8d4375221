"""A pretrained model with a new head in this process, from weights that are known.

The user's way begins with the published file in torch's own cache on this disk. Ours begins with
the backbone that the catalog converted from it once: the head is drawn, the backbone's file is
mapped and its pages are not read, the skeleton is a copy of one that this process built before.
What the mapped pages cost is in the rows that end with a first forward.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assembled
from catalog_service.models.build_parts import in_blob_names
from catalog_service.models.compose import compose
from catalog_service.models.initialise import random_state
from catalog_service.models.mapped_file import map_tensors
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.source import Source
from catalog_service.models.template import template
from catalog_service.models.write_state import write_state
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, stopwatch, take_turns

METRICS = (
    Metric(name="wall_s", title="until built, ms", scale=1000),
    Metric(name="cpu_s", title="until built, CPU ms", scale=1000),
    Metric(name="answer_s", title="until the first image is through, ms", scale=1000),
)
NUM_CLASSES = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    architectures: dict[str, int]
    """Architecture -> side of the first image in px."""
    num_rounds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """One architecture, converted: where its files are, and what they are of."""

    architecture_id: str
    recipe: Recipe
    source: Source
    """The whole published state, converted."""
    backbone: Path
    image: Tensor


def measure(size: Size) -> list[Row]:
    """Return rows for every architecture, beside torchvision's own build from a warm cache."""
    rows = []
    with tempfile.TemporaryDirectory() as name, torch_home(Path(name) / "torch") as hub:
        for architecture_id, side_px in size.architectures.items():
            built = convert(architecture_id, side_px, Path(name), hub)
            require_equal_logits(built)
            rows += _measured(built, size.num_rounds)
    return rows


def convert(architecture_id: str, side_px: int, folder: Path, hub: Path) -> Built:
    """Write synthetic numbers as torch's cache has them, and as the catalog has them."""
    index = CatalogIndex.load()
    weight = index.default_weight(architecture_id)
    published = index.recipe_for(architecture_id, weight)
    state = random_state(published, 0)
    torch.save(state, hub / weight.file_name)
    source = Source(path=folder / f"{architecture_id}.safetensors", recipe=published)
    write_state(source.path, state)
    recipe = index.recipe_for(architecture_id, weight, classification_head(NUM_CLASSES))
    composed = compose(recipe, source)
    backbone = folder / f"{architecture_id}.backbone.safetensors"
    write_state(backbone, in_blob_names(composed.backbone, composed.layout).state)
    return Built(
        architecture_id=architecture_id,
        recipe=recipe,
        source=source,
        backbone=backbone,
        image=torch.rand(1, 3, side_px, side_px),
    )


def ours(built: Built, seed: int) -> nn.Module:
    """Return the model with a head that was never drawn before."""
    head = compose(built.recipe, built.source, seed=seed, with_backbone=False).head.state
    layout = template(built.recipe).layout
    backbone = {layout.model_name(n): t for n, t in map_tensors(built.backbone).items()}
    return assembled(built.recipe, {**backbone, **head})


def theirs(built: Built) -> nn.Module:
    """Return torchvision's pretrained model with its last layer replaced."""
    model: nn.Module = torchvision.models.get_model(built.architecture_id, weights="DEFAULT")
    path = template(built.recipe).layout.replaced_modules[0]
    parent, _, name = path.rpartition(".")
    last = model.get_submodule(path)
    assert isinstance(last, nn.Linear)
    setattr(model.get_submodule(parent), name, nn.Linear(last.in_features, NUM_CLASSES))
    return model


def require_equal_logits(built: Built) -> None:
    """Raise unless both ways compute the same with the same head, to the last bit."""
    model, twin = ours(built, seed=0).eval(), theirs(built).eval()
    head = template(built.recipe).layout.of_role("head")
    own = model.state_dict()
    twin.load_state_dict({**twin.state_dict(), **{t.name: own[t.name] for t in head}})
    with torch.no_grad():
        assert torch.equal(model(built.image), twin(built.image)), built.architecture_id


def _measured(built: Built, num_rounds: int) -> list[Row]:
    seeds = count(1)
    name = built.architecture_id
    mine = Way(
        name=f"vertebra {name}",
        command="assembled(recipe, {**map_tensors(backbone), **compose(recipe, source).head})",
        run=timed(lambda: ours(built, next(seeds)), built.image),
    )
    peer = Way(
        name=f"torchvision {name}",
        command=f"torchvision.models.{name}(weights='DEFAULT'); a new last layer",
        run=timed(lambda: theirs(built), built.image),
    )
    return compare("build", mine, peer, METRICS, take_turns([mine, peer], num_rounds))


def timed(build: Callable[[], nn.Module], image: Tensor) -> Callable[[], Sample]:
    """Return a measurement of a build and of a first forward after it."""

    def run() -> Sample:
        with stopwatch() as whole:
            with stopwatch() as building:
                model = build()
            with torch.no_grad():
                assert model.eval()(image).shape == (1, NUM_CLASSES)
        return {"wall_s": building.wall_s, "cpu_s": building.cpu_s, "answer_s": whole.wall_s}

    return run


@contextmanager
def torch_home(folder: Path) -> Iterator[Path]:
    """Let torch look for published files in a folder of ours; yield where it keeps them."""
    checkpoints = folder / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    before = os.environ.get("TORCH_HOME")
    os.environ["TORCH_HOME"] = str(folder)
    try:
        yield checkpoints
    finally:
        if before is None:
            del os.environ["TORCH_HOME"]
        else:
            os.environ["TORCH_HOME"] = before
