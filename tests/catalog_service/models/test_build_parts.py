"""What the torch worker answers: JSON, and two files that are the whole state."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from catalog_service.blobs.disk import DiskFull
from catalog_service.blobs.safetensors_file import read_header
from catalog_service.blobs.state_digest import tensor_digests
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.assemble import assemble
from catalog_service.models.build_parts import build_parts, describe_model, fit_backbone
from catalog_service.models.initialise import random_state
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import JsonObject
from catalog_service.models.recipe import Recipe, classification_head
from catalog_service.models.write_state import write_state
from catalog_service.resolve.backbones import WrittenPart

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
    assemble(recipe, backbone, head)
    for part, path in (("backbone", backbone), ("head", head)):
        written = WrittenPart.from_json(answer[part])
        assert list(written.tensors) == tensor_digests(path)


def test_the_backbone_is_shared_by_every_new_head(
    index: CatalogIndex, source: Path, tmp_path: Path
) -> None:
    first, second = (
        call_build_parts(index.recipe_for(NAME, head=classification_head(count)), source, tmp_path)
        for count in (4, 5)
    )

    assert first["backbone"] == second["backbone"]
    assert first["head"]["tensors"] != second["head"]["tensors"]


def test_a_known_backbone_is_neither_read_nor_written_again(
    recipe: Recipe, source: Path, tmp_path: Path
) -> None:
    whole = call_build_parts(recipe, source, tmp_path)
    head = (tmp_path / "head").read_bytes()
    (tmp_path / "backbone").unlink()
    state = load_file(source)
    damaged = {n: t if n.startswith("fc.") else torch.full_like(t, -7) for n, t in state.items()}
    save_file(damaged, source)

    answer = build_parts(
        {**order(recipe, source), "head_out": str(tmp_path / "head"), "backbone_out": None}
    )

    assert answer["backbone"] is None
    assert answer["head"] == whole["head"]
    assert (tmp_path / "head").read_bytes() == head
    assert not (tmp_path / "backbone").exists()


def test_the_same_call_gives_the_same_digests(recipe: Recipe, source: Path, tmp_path: Path) -> None:
    first, again, other = (
        call_build_parts(recipe, source, tmp_path, seed=seed) for seed in (1, 1, 2)
    )

    assert first == again
    assert first["head"]["tensors"] != other["head"]["tensors"]
    assert first["backbone"] == other["backbone"]


def test_no_source_means_random_numbers(recipe: Recipe, tmp_path: Path) -> None:
    answer = call_build_parts(recipe, None, tmp_path)

    for part in ("backbone", "head"):
        assert answer[part]["report"]["num_loaded"] == 0
        assert len(answer[part]["report"]["initialised"]) == len(answer[part]["tensors"])


def test_a_backbone_is_written_alone(recipe: Recipe, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "backbone"

    answer = fit_backbone({**order(recipe, source), "backbone_out": str(out)})

    assert answer["tensors"] == call_build_parts(recipe, source, tmp_path)["backbone"]["tensors"]
    assert answer["report"]["dropped"] == ["fc.bias", "fc.weight"]
    assert not any(digest.name.startswith("fc.") for digest in tensor_digests(out))


def test_a_written_file_can_be_used_where_it_is_mapped(tmp_path: Path) -> None:
    """safetensors' own files begin tensors at any multiple of 8."""
    state = {
        "b": torch.arange(64, dtype=torch.float32).reshape(2, 32).t(),
        "a": torch.tensor(3),
        "half": torch.ones(3, dtype=torch.float16),
        "none": torch.empty(0, 4),
        "c": torch.ones(16),
    }

    write_state(tmp_path / "ours", state)

    found = load_file(tmp_path / "ours")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    begins = {entry.name: entry.begin % 64 for entry in read_header(tmp_path / "ours")}
    assert begins["b"] == begins["c"] == 0


def call_build_parts(
    recipe: Recipe, source: Path | None, folder: Path, *, seed: int = 0
) -> JsonObject:
    answer = build_parts(
        {
            **order(recipe, source),
            "seed": seed,
            "backbone_out": str(folder / "backbone"),
            "head_out": str(folder / "head"),
        }
    )
    return dict(json.loads(json.dumps(answer)))


def order(recipe: Recipe, source: Path | None) -> JsonObject:
    published = replace(recipe, head=None)
    return {
        "recipe": recipe.to_json(),
        "source": str(source) if source else None,
        "source_recipe": published.to_json() if source else None,
    }


def test_a_full_disk_is_named_as_such_by_the_worker() -> None:
    """Any other OSError is a bug of ours and INTERNAL; this one passes when room is made."""
    with pytest.raises(DiskFull, match="no room to write a state"):
        write_state(Path("/dev/full"), {"weight": torch.zeros(3)})
