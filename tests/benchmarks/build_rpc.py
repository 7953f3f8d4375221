"""A pretrained resnet50 with a new head through a running catalog, from weights that are known.

The user's way begins with the published file on its own disk. Ours begins with a running catalog
that has converted that file before: the rpc draws the new head and stores it. Then the two parts
become a module: from the store's own files where client and catalog share a host, as
the trainer does, or after a download over gRPC.
"""

import itertools
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision
from torch import nn

from catalog_service.blobs.store import BlobStore
from catalog_service.model_wire import recipe_from_message
from catalog_service.models.assemble import assemble
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, stopwatch, take_turns
from tests.fakes.published_weights import PublishedFolder
from tests.services import running_catalog
from vertebra.catalog.v1.model_service_pb2 import BuiltModel
from vertebra.catalog_client import CatalogClient

METRICS = (
    Metric(name="wall_s", title="until built, ms", scale=1000),
    Metric(name="cpu_s", title="until built, CPU ms of this process", scale=1000),
    Metric(name="answer_s", title="until the first 64 px image is through, ms", scale=1000),
)
NUM_CLASSES = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    architecture_id: str
    head: str
    """The attribute that holds the model's last layer."""
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return rows for three ways through the catalog, beside the user's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        published = PublishedFolder(folder / "mirror")
        path = published.write(size.architecture_id).path
        variables = {
            "VERTEBRA_CATALOG_MIRRORS": str(published.folder),
            "VERTEBRA_CATALOG_INDEX": str(published.index_path),
        }
        with (
            running_catalog(folder / "home", **variables) as catalog,
            CatalogClient(catalog.address) as client,
        ):
            builds = Builds(client, size.architecture_id, folder)
            builds.model(seed=0)  # converts the published file: done once in a catalog's life
            ways = _ours(builds)
            user = Way(name="torchvision", command=_command(size), run=_timed(_user(size, path)))
            samples = take_turns([*ways, user], size.num_rounds)
    return [row for ours in ways for row in compare("build_rpc", ours, user, METRICS, samples)]


class Builds:
    """Builds through the catalog."""

    def __init__(self, client: CatalogClient, architecture_id: str, folder: Path) -> None:
        self._client = client
        self._architecture_id = architecture_id
        self._store = BlobStore(folder / "home" / "blobs")
        self._arrived = folder / "arrived"

    def model(self, *, seed: int) -> BuiltModel:
        """Return what the catalog says about the model; another seed is another head."""
        head = {"classification": {"num_classes": NUM_CLASSES}}
        return self._client.build_model({"backbone": self._architecture_id, "seed": seed, **head})

    def on_this_host(self, seed: int) -> nn.Module:
        """Return the module, from the files of the catalog's store."""
        built = self.model(seed=seed)
        return _attached(built, [self._store.path(part.blob.digest) for part in built.parts])

    def from_elsewhere(self, seed: int) -> nn.Module:
        """Return the module, from files that were downloaded and verified."""
        built = self.model(seed=seed)
        paths = [self._arrived / part.blob.digest for part in built.parts]
        for part, path in zip(built.parts, paths, strict=True):
            path.unlink(missing_ok=True)
            self._client.blobs.download(part.blob.name, path)
        return _attached(built, paths)


def _attached(built: BuiltModel, paths: list[Path]) -> nn.Module:
    return assemble(recipe_from_message(built.recipe), *paths)


def _ours(builds: Builds) -> list[Way]:
    def way(name: str, build: Callable[[int], nn.Module], seeds: Iterator[int], what: str) -> Way:
        command = f"client.build_model({{..., seed: {what}}}); assemble(recipe, backbone, head)"
        return Way(name=name, command=command, run=_timed(lambda: build(next(seeds))))

    return [
        way("catalog, new head", builds.on_this_host, itertools.count(1), "new"),
        way("catalog, head seen before", builds.on_this_host, itertools.repeat(0), "0"),
        way("catalog, downloaded", builds.from_elsewhere, itertools.repeat(0), "0"),
    ]


def _command(size: Size) -> str:
    name = size.architecture_id
    return f"torchvision.models.{name}(); load_state_dict(torch.load(file)); .{size.head} = Linear"


def _user(size: Size, path: Path) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        model: nn.Module = torchvision.models.get_model(size.architecture_id)
        model.load_state_dict(torch.load(path, weights_only=True))
        last = getattr(model, size.head)
        setattr(model, size.head, nn.Linear(last.in_features, NUM_CLASSES))
        return model

    return build


def _timed(build: Callable[[], nn.Module]) -> Callable[[], Sample]:
    image = torch.rand(1, 3, 64, 64)

    def run() -> Sample:
        with stopwatch() as whole:
            with stopwatch() as building:
                model = build()
            with torch.no_grad():
                assert model.eval()(image).shape == (1, NUM_CLASSES)
        return {"wall_s": building.wall_s, "cpu_s": building.cpu_s, "answer_s": whole.wall_s}

    return run
