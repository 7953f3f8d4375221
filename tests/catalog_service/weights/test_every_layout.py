"""Every published weight, in the names and formats of its file, becomes its architecture's state.

On names, shapes and dtypes alone for all of them; with numbers, in sides of at most two, through
the real file formats. The naive strict load runs beside it.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file
from torch import Tensor

from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.index.layouts import published_layouts
from catalog_service.models.dtypes import TORCH_DTYPES
from catalog_service.models.fitting import require_fitting
from catalog_service.models.layout import StateLayout
from catalog_service.models.state_mismatch import StateMismatch
from catalog_service.weights.conversion import convert
from catalog_service.weights.published_layouts import canonical_names
from tests.fakes.published_weights import (
    LEGACY_FAMILIES,
    published_state,
)

INDEX = CatalogIndex.load()
WEIGHTS = [weight for weight in INDEX.weights if not weight.is_quantized]
NUM_FLOAT_WEIGHTS = 152 + 12

LAYOUTS = {
    (each.architecture_id, str(sorted(each.arguments.items()))): each.layout
    for each in published_layouts()
}

OLD_NAMES = {
    "densenet",
    "dinov3_convnext",
    "dinov3_vit",
    "faster_rcnn",
    "fcos",
    "keypoint_rcnn",
    "mask_rcnn",
    "retinanet",
    "vit",
}
HALF_PRECISION = {
    "torchvision/Wide_ResNet50_2_Weights.IMAGENET1K_V1",
    "torchvision/Wide_ResNet101_2_Weights.IMAGENET1K_V1",
}
NAIVE_FAILS = {
    "old names": lambda weight: weight.family in OLD_NAMES,
    "no counters of batches": lambda weight: (
        weight.family == "densenet" or "_bn" in weight.architecture_id
    ),
    "auxiliary heads that the model has not": lambda weight: weight.family == "googlenet",
    "half precision": lambda weight: weight.reference in HALF_PRECISION,
}
"""Why a strict load of the file's tensors fails."""


def layout_of(weight: WeightEntry) -> StateLayout:
    return LAYOUTS[weight.architecture_id, str(sorted(weight.arguments.items()))]


def cut(layout: StateLayout, *, most: int) -> dict[str, Tensor]:
    """A state of the layout with other numbers in every tensor and sides of at most `most`."""
    generator = torch.Generator().manual_seed(0)
    return {
        tensor.name: (
            torch.randn([min(n, most) for n in tensor.shape], generator=generator) * 9
        ).to(TORCH_DTYPES[tensor.dtype])
        for tensor in layout.tensors
    }


def on_meta(layout: StateLayout) -> dict[str, Tensor]:
    return {
        tensor.name: torch.empty(tensor.shape, dtype=TORCH_DTYPES[tensor.dtype], device="meta")
        for tensor in layout.tensors
    }


def smallest_of_each_family() -> list[WeightEntry]:
    by_family: dict[str, WeightEntry] = {}
    for weight in sorted(WEIGHTS, key=lambda weight: weight.size_bytes):
        by_family.setdefault(weight.family, weight)
    return list(by_family.values())


def naive_problem(state: Mapping[str, Tensor], layout: StateLayout) -> str:
    try:
        require_fitting(state, layout)
    except StateMismatch as error:
        return error.message
    return ""


def test_all_float_weights_are_here() -> None:
    assert len(WEIGHTS) == NUM_FLOAT_WEIGHTS


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.reference)
def test_the_file_has_every_name_and_shape_of_the_architecture(weight: WeightEntry) -> None:
    layout = layout_of(weight)
    published = published_state(weight, on_meta(layout))
    reasons = [reason for reason, holds in NAIVE_FAILS.items() if holds(weight)]

    names = canonical_names(weight.family, published).names

    shapes = {names[name]: tuple(tensor.shape) for name, tensor in published.items()}
    wanted = {tensor.name: tensor.shape for tensor in layout.tensors}
    missing = wanted.keys() - shapes.keys()
    assert bool(naive_problem(published, layout)) == bool(reasons), reasons
    assert {name: shapes[name] for name in wanted.keys() - missing} == {
        name: shape for name, shape in wanted.items() if name not in missing
    }
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert all(name.startswith("aux") for name in shapes.keys() - wanted.keys())


def converted_numbers(weight: WeightEntry, folder: Path) -> None:
    canonical = cut(layout_of(weight), most=2)
    published = published_state(weight, canonical)
    path = folder / weight.file_name
    if path.suffix == ".safetensors":
        save_file(published, path)
    else:
        is_zip = weight.family not in LEGACY_FAMILIES
        torch.save(published, path, _use_new_zipfile_serialization=is_zip)
    store = BlobStore(folder / "blobs")

    converted = convert([path], weight.family, store)

    found = load_file(store.path(converted.blob.digest))
    kept = {name: tensor for name, tensor in canonical.items() if name in found}
    counters = {name for name in canonical if name.endswith("num_batches_tracked")}
    assert len(found) == len(published)
    assert canonical.keys() - kept.keys() <= counters
    for name, tensor in kept.items():
        assert torch.equal(found[name], tensor.to(found[name].dtype)), name


@pytest.mark.parametrize("weight", smallest_of_each_family(), ids=lambda weight: weight.reference)
def test_numbers_arrive_under_canonical_names(weight: WeightEntry, tmp_path: Path) -> None:
    converted_numbers(weight, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda weight: weight.reference)
def test_numbers_of_every_weight_arrive_under_canonical_names(
    weight: WeightEntry, tmp_path: Path
) -> None:
    converted_numbers(weight, tmp_path)


def test_the_libraries_own_loader_wants_the_version_that_safetensors_cannot_hold() -> None:
    """Control: a state without `_metadata` is refused by torchvision's MNASNet, not by us."""
    model = torchvision.models.mnasnet0_5()
    state = dict(model.state_dict())

    with pytest.raises(ValueError, match="version"):
        model.load_state_dict(state)
