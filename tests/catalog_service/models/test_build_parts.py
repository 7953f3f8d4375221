"""What the torch worker answers: JSON, and two files that are the whole state."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.attach import attach, load_state
from catalog_service.models.build_parts import build_parts, describe_model, fit_backbone
from catalog_service.models.initialise import random_state
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import JsonObject
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.skeleton import skeleton
from catalog_service.models.write_state import write_state

NAME = "shufflenet_v2_x0_5"


@pytest.fixture
def source(index: CatalogIndex, tmp_path: Path) -> Path:
    path = tmp_path / "source.safetensors"
    save_file(random_state(index.recipe_for(NAME), 1), path)
    return path


@pytest.fixture
def recipe(index: CatalogIndex) -> Recipe:
    return index.recipe_for(NAME, head=classification_head(4))


def test_a_description_is_json(recipe: Recipe) -> None:
    answer = json.loads(json.dumps(describe_model({"recipe": recipe.to_json()})))

    layout = StateLayout.from_json(answer["layout"])
    assert answer["num_parameters"] == layout.num_parameters
    assert answer["num_backbone_parameters"] == layout.num_backbone_parameters


def test_two_files_are_the_whole_state(recipe: Recipe, source: Path, tmp_path: Path) -> None:
    answer = call_build_parts(recipe, source, tmp_path)

    backbone, head = tmp_path / "backbone", tmp_path / "head"
    layout = StateLayout.from_json(answer["layout"])
    attach(skeleton(recipe), load_state(backbone, head), layout)
    assert answer["backbone_digest"] == state_digest(tensor_digests(backbone))
    assert answer["state_digest"] == state_digest(
        [*tensor_digests(backbone), *tensor_digests(head)]
    )


def test_the_backbone_is_shared_by_every_new_head(
    index: CatalogIndex, source: Path, tmp_path: Path
) -> None:
    first, second = (
        call_build_parts(index.recipe_for(NAME, head=classification_head(count)), source, tmp_path)
        for count in (4, 5)
    )

    assert first["backbone_digest"] == second["backbone_digest"]
    assert first["state_digest"] != second["state_digest"]


def test_the_same_call_gives_the_same_digests(recipe: Recipe, source: Path, tmp_path: Path) -> None:
    first, again, other = (
        call_build_parts(recipe, source, tmp_path, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again
    assert first["state_digest"] != other["state_digest"]
    assert first["backbone_digest"] == other["backbone_digest"]


def test_no_source_means_random_numbers(recipe: Recipe, tmp_path: Path) -> None:
    answer = call_build_parts(recipe, None, tmp_path)

    assert answer["report"]["num_loaded"] == 0
    assert len(answer["report"]["initialised"]) == answer["report"]["num_expected"]


def test_a_backbone_is_written_alone(recipe: Recipe, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "backbone"

    answer = fit_backbone(
        {"recipe": recipe.to_json(), "source": str(source), "backbone_out": str(out)}
    )

    assert (
        answer["backbone_digest"] == call_build_parts(recipe, source, tmp_path)["backbone_digest"]
    )
    assert answer["report"]["dropped"] == ["fc.bias", "fc.weight"]
    assert not any(digest.name.startswith("fc.") for digest in tensor_digests(out))


def test_a_written_file_is_safetensors_own(tmp_path: Path) -> None:
    state = {
        "b": torch.arange(6, dtype=torch.float32).reshape(2, 3).t(),
        "a": torch.tensor(3),
        "half": torch.ones(3, dtype=torch.float16),
        "none": torch.empty(0, 4),
    }

    write_state(tmp_path / "ours", state)

    save_file(
        {name: tensor.contiguous() for name, tensor in state.items()},
        tmp_path / "theirs",
        metadata={"format": "pt"},
    )
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def call_build_parts(
    recipe: Recipe, source: Path | None, folder: Path, *, seed: int = 0
) -> JsonObject:
    answer = build_parts(
        {
            "recipe": recipe.to_json(),
            "source": str(source) if source else None,
            "seed": seed,
            "allow_partial": False,
            "backbone_out": str(folder / "backbone"),
            "head_out": str(folder / "head"),
        }
    )
    return dict(json.loads(json.dumps(answer)))


def test_a_full_disk_is_named_as_such_by_the_worker() -> None:
    """Any other OSError is a bug of ours and INTERNAL; this one passes when room is made."""
    with pytest.raises(DiskFull, match="no room to write a state"):
        write_state(Path("/dev/full"), {"weight": torch.zeros(3)})
