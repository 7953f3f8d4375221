"""Built models as ReadTensors sees them: two blobs, and a layout that renames the backbone's."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file

from catalog_service.blobs.store import BlobStore
from catalog_service.errors import NotFound

BACKBONE = {
    "conv1.weight": torch.randn(64, 3, 7, 7),
    "bn1.running_mean": torch.randn(64),
    "bn1.num_batches_tracked": torch.tensor(7),
    "layer1.weight": torch.randn(300, 500),
    "layer2.weight": torch.randn(2, 300, 300).to(torch.bfloat16),
    "empty": torch.zeros(0, 3),
}
REST = {
    "fc.weight": torch.randn(10, 64),
    "fc.bias": torch.randn(10),
    "aux.weight": torch.randn(10, 64).to(torch.float16),
    "fc.mask": torch.tensor([True, False, True]),
}
PREFIX = "backbone."
NAME = "models/" + "5" * 64

State = dict[str, torch.Tensor]


def whole_state() -> State:
    """Return the model's state, under its own names."""
    return {**{PREFIX + name: tensor for name, tensor in BACKBONE.items()}, **REST}


def role_of(name: str) -> str:
    """Return a tensor's role."""
    return "backbone" if name.startswith(PREFIX) else name.partition(".")[0].replace("fc", "head")


@dataclass(frozen=True, kw_only=True)
class FakeTensor:
    """A tensor of a layout."""

    name: str
    role: str


@dataclass(frozen=True, kw_only=True)
class FakeLayout:
    """Calls every tensor of the backbone's blob `backbone.<name>`."""

    tensors: tuple[FakeTensor, ...]

    def model_name(self, blob_name: str) -> str:
        """Return the name in the model."""
        return PREFIX + blob_name


@dataclass(frozen=True, kw_only=True)
class FakeParts:
    """The two blobs of a model."""

    layout: FakeLayout
    backbone_path: Path
    head_path: Path


@dataclass(kw_only=True)
class FakeModels:
    """Knows one model."""

    parts: FakeParts
    asked: list[str] = field(default_factory=list)

    def model_parts(self, name: str) -> FakeParts:
        """Return the model's parts."""
        self.asked.append(name)
        if name != NAME:
            raise NotFound(f"no model {name!r}; build it again", reason="MODEL_NOT_FOUND")
        return self.parts


def stored_model(store: BlobStore, folder: Path) -> FakeModels:
    """Return a look-up of one model whose blobs are in `store`."""
    paths = []
    for name, state in (("backbone", BACKBONE), ("rest", REST)):
        save_file(state, folder / name, metadata={"format": "pt"})
        paths.append(store.path(store.adopt_file(folder / name).digest))
    tensors = tuple(FakeTensor(name=name, role=role_of(name)) for name in whole_state())
    return FakeModels(
        parts=FakeParts(
            layout=FakeLayout(tensors=tensors), backbone_path=paths[0], head_path=paths[1]
        )
    )
