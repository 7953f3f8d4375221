"""A backbone is written once, whoever asks for it and under whichever head."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.checkpoints.registry import Registry
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.layout import Stage, StateLayout, TensorInfo
from catalog_service.models.part_report import PartReport
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.spec import ModelSpec
from catalog_service.models.tasks import ClassificationTask
from catalog_service.resolve.backbones import Backbones, Numbers, backbone_key
from catalog_service.resolve.build_plan import BuildPlan, plan_build
from catalog_service.resolve.builds import Builds

LAYOUT = StateLayout(
    tensors=(
        TensorInfo(name="conv1.weight", dtype="F32", shape=(2,), role="backbone"),
        TensorInfo(name="fc.weight", dtype="F32", shape=(2,), role="head"),
    ),
    stages=(Stage(name="stem", modules=("conv1",), num_parameters=2),),
    head_modules=("fc",),
    replaced_modules=("fc",),
    layout_digest="",
)


class CountingPool:
    """A worker that writes a few bytes and counts how often it wrote a backbone."""

    def __init__(self) -> None:
        self.num_backbones = 0
        self.num_heads = 0
        self._lock = threading.Lock()

    def call(self, function: str, arguments: dict[str, Any]) -> dict[str, Any]:
        assert function == "build_parts"
        with self._lock:
            self.num_heads += 1
            self.num_backbones += arguments.get("backbone_out") is not None
        answer: dict[str, Any] = {"backbone": None}
        for part, name in (("backbone", "conv1.weight"), ("head", "fc.weight")):
            out = arguments.get(f"{part}_out")
            if out is not None:
                Path(out).write_bytes(f"{part} {arguments['recipe']['head']}".encode())
                answer[part] = {"tensors": [tensor(name)], "report": PartReport().to_json()}
        return answer


def tensor(name: str) -> dict[str, Any]:
    return {"name": name, "dtype": "F32", "shape": [2], "sha256": "0" * 64}


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def builds_with(store: BlobStore, pool: CountingPool) -> Builds:
    return Builds(
        store=store,
        records=Records(store.root, "builds"),
        backbones=Backbones(store, Records(store.root, "backbones")),
        pool=pool,  # type: ignore[arg-type]
    )


def plan_of(num_classes: int, folder: Path, **spec: Any) -> BuildPlan:
    task = ClassificationTask(num_classes=num_classes)
    wanted = ModelSpec(backbone="resnet18", pretrained=False, task=task, **spec)
    return plan_build(wanted, CatalogIndex.load(), Registry(f"sqlite:///{folder}/catalog.db"))


def test_heads_asked_for_at_once_wait_for_one_backbone(store: BlobStore, tmp_path: Path) -> None:
    pool = CountingPool()
    builds = builds_with(store, pool)
    plans = [plan_of(count, tmp_path) for count in range(2, 10)]

    with ThreadPoolExecutor(len(plans)) as threads:
        states = list(
            threads.map(lambda plan: builds.build(str(id(plan)), plan, LAYOUT, Numbers()), plans)
        )

    assert pool.num_backbones == 1
    assert pool.num_heads == len(plans)
    assert len({state.backbone.digest for state in states}) == 1
    assert len({state.head.digest for state in states}) == len(plans)


def test_a_backbone_that_is_gone_is_written_again(store: BlobStore, tmp_path: Path) -> None:
    pool = CountingPool()
    builds = builds_with(store, pool)
    first = builds.build("a", plan_of(2, tmp_path), LAYOUT, Numbers())
    store.path(first.backbone.digest).unlink()

    second = builds.build("b", plan_of(2, tmp_path), LAYOUT, Numbers())

    assert pool.num_backbones == 2
    assert second.backbone == first.backbone


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"recipe": {"head": classification_head(9)}}, True),
        ({"recipe": {"head": None, "neck": {"kind": "fpn"}}}, True),
        ({"seed": 4}, True),
        ({"recipe": {"stem": {"in_channels": 4, "adaptation": "repeat"}}}, False),
        ({"recipe": {"arguments": {"image_size": [112, 448]}}}, False),
        ({"recipe": {"removed_modules": ("layer4",)}}, False),
        ({"numbers": {"blob_digest": "sha256:2"}}, False),
        ({"numbers": {"recipe": Recipe(builder="torchvision/resnet18")}}, False),
        ({"allow_partial": True}, False),
    ],
)
def test_a_backbone_is_known_by_all_but_its_head(change: dict[str, Any], is_same: bool) -> None:
    recipe = Recipe(builder="torchvision/resnet18", head=classification_head(2))
    numbers = Numbers(blob_digest="sha256:1")

    def key(seed: int = 3, allow_partial: bool = False, **changes: Any) -> str:
        return backbone_key(
            replace(recipe, **changes.get("recipe", {})),
            LAYOUT,
            replace(numbers, **changes.get("numbers", {})),
            seed=seed,
            allow_partial=allow_partial,
        )

    assert (key() == key(**change)) is is_same


def test_a_seed_counts_where_numbers_are_drawn() -> None:
    recipe = Recipe(builder="torchvision/resnet18")
    stem = replace(recipe, stem={"in_channels": 4, "adaptation": "random"})

    for of, numbers in ((recipe, Numbers()), (stem, Numbers(blob_digest="sha256:1"))):
        keys = {
            backbone_key(of, LAYOUT, numbers, seed=seed, allow_partial=False) for seed in (1, 2)
        }
        assert len(keys) == 2
