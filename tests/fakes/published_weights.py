"""Synthetic files in the layout in which weights are really published, and an index that pins them.

Real names, shapes, dtypes and file formats; random numbers. Real digests cannot be had, so the
folder has its own index: the packaged one, with the digests of what was written here.
"""

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.initialise import random_state

LEGACY_FAMILIES = frozenset(
    {"alexnet", "vgg", "densenet", "squeezenet", "inception_v3", "googlenet", "mnasnet", "resnext"}
)
"""Published before torch 1.6, in the pre-zip format."""

WITHOUT_COUNTERS = frozenset({"densenet", "vgg"})
"""Published before torch 0.4.1 gave batch norm its `num_batches_tracked`."""

MNASNET_VERSIONS = {"mnasnet1_0": 1}
"""`_metadata` version of the files; the others have 2. Source: torchvision/models/mnasnet.py."""

BYTES_PER_HALF_PARAMETER = 3
"""Published files smaller than this per parameter hold half precision (wide_resnet V1)."""

_DENSE_LAYER = re.compile(r"(.*denselayer\d+\.(?:norm|relu|conv))([12]\.\w+)")
_VIT_MLP = re.compile(r"(.*\.mlp)\.([03])\.(weight|bias)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile:
    """A file as the publisher would serve it, and what it should become."""

    reference: str
    architecture_id: str
    path: Path
    canonical: Mapping[str, Tensor]
    """The numbers under canonical names, in single precision."""

    @property
    def file_name(self) -> str:
        """The name that caches and mirrors keep it under."""
        return self.path.name


class PublishedFolder:
    """A plain mirror folder; give `index_path` to the catalog as VERTEBRA_CATALOG_INDEX."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.index_path = folder / "index.json"
        text = files("catalog_service.index").joinpath("index.json").read_text()
        self._rows: dict[str, Any] = json.loads(text)
        self._write_index()

    def write(
        self,
        architecture: str,
        weight: str = "",
        *,
        seed: int = 0,
        arguments: Mapping[str, object] | None = None,
        change: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict,
    ) -> PublishedFile:
        """Write one weight's file and pin its digest in the index.

        Args:
            arguments: of the builder, in place of the published ones: a smaller configuration.
            change: gives other numbers under the same names.
        """
        index = CatalogIndex.load()
        entry = index.weight(weight or index.architecture(architecture).default_weights)
        if arguments:
            entry = replace(entry, arguments={**entry.arguments, **arguments})
            self._row(entry)["arguments"] = dict(entry.arguments)
        canonical = change(random_state(index.recipe_for(architecture, entry), seed))
        path = self._write(entry, published_state(entry, canonical))
        return PublishedFile(
            reference=entry.reference, architecture_id=architecture, path=path, canonical=canonical
        )

    def write_state(self, architecture: str, state: Mapping[str, Tensor]) -> Path:
        """Write any state as the file of an architecture's default weights."""
        return self._write(CatalogIndex.load().default_weight(architecture), state)

    def _write(self, entry: WeightEntry, state: Mapping[str, Tensor]) -> Path:
        staged = self.folder / "staged"
        if entry.file_name.endswith(".safetensors"):
            save_file({name: tensor.contiguous() for name, tensor in state.items()}, staged)
        else:
            is_zip = entry.family not in LEGACY_FAMILIES
            torch.save(state, staged, _use_new_zipfile_serialization=is_zip)
        digits = hashlib.sha256(staged.read_bytes()).hexdigest()[: len(entry.sha256_prefix)]
        path = staged.rename(self.folder / entry.file_name.replace(entry.sha256_prefix, digits))
        pinned = {"file_name": path.name, "sha256_prefix": digits, "url": f"file:///{path.name}"}
        self._row(entry).update(pinned)
        self._write_index()
        return path

    def _row(self, entry: WeightEntry) -> dict[str, Any]:
        [row] = [row for row in self._rows["weights"] if row["reference"] == entry.reference]
        assert isinstance(row, dict)
        return row

    def _write_index(self) -> None:
        self.index_path.write_text(json.dumps(self._rows))


def published_state(entry: WeightEntry, canonical: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state under published names, as the file of that weight holds it."""
    state: OrderedDict[str, Tensor] = OrderedDict(canonical)
    if entry.family == "googlenet":
        full = torchvision.models.googlenet(aux_logits=True, init_weights=False).state_dict()
        state |= {name: tensor for name, tensor in full.items() if name.startswith("aux")}
    if entry.family in WITHOUT_COUNTERS:
        state = _renamed({n: t for n, t in state.items() if "num_batches_tracked" not in n}, None)
    if entry.size_bytes < BYTES_PER_HALF_PARAMETER * entry.num_parameters:
        halves = {n: t.half() if t.is_floating_point() else t for n, t in state.items()}
        state = _renamed(halves, None)
    state = _renamed(state, OLD_NAMES.get(entry.family))
    if entry.family == "mnasnet":
        version = MNASNET_VERSIONS.get(entry.architecture_id, 2)
        state._metadata = {"": {"version": version}}  # type: ignore[attr-defined]
    return state


def _renamed(state: Mapping[str, Tensor], rename: Any) -> "OrderedDict[str, Tensor]":
    return OrderedDict((rename(name) if rename else name, t) for name, t in state.items())


def _old_dense_layer(name: str) -> str:
    return _DENSE_LAYER.sub(r"\1.\2", name)


def _old_mlp(name: str) -> str:
    return _VIT_MLP.sub(lambda m: f"{m[1]}.linear_{1 if m[2] == '0' else 2}.{m[3]}", name)


def _old_detector(name: str) -> str:
    """Return the name of 2019: before the necks' and heads' convolutions could have norms."""
    name = re.sub(r"(fpn\.\w+_blocks\.\d+)\.0\.(weight|bias)$", r"\1.\2", name)
    name = re.sub(r"(rpn\.head\.conv)\.0\.0\.(\w+)$", r"\1.\2", name)
    return re.sub(
        r"(mask_head)\.(\d)\.0\.(\w+)$", lambda m: f"{m[1]}.mask_fcn{int(m[2]) + 1}.{m[3]}", name
    )


def _old_retinanet(name: str) -> str:
    return re.sub(
        r"(head\.\w+_head\.conv)\.(\d)\.0\.(\w+)$",
        lambda m: f"{m[1]}.{2 * int(m[2])}.{m[3]}",
        _old_detector(name),
    )


def _hub_name(name: str) -> str:
    """Return the name in the hub's files, from before transformers had `model.` there."""
    return re.sub(r"^model\.(layer|stages)\.", r"\1.", name)


OLD_NAMES = {
    "densenet": _old_dense_layer,
    "dinov3_convnext": _hub_name,
    "dinov3_vit": _hub_name,
    "faster_rcnn": _old_detector,
    "fcos": _old_detector,
    "keypoint_rcnn": _old_detector,
    "mask_rcnn": _old_detector,
    "retinanet": _old_retinanet,
    "vit": _old_mlp,
}
"""Family -> canonical name to the one in its published files. Detectors of the second version have
new names in truth; the old ones are tried on all, and a norm between two convolutions stops them.
"""
