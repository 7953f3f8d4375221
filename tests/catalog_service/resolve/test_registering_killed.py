"""A registration killed at any moment lists a checkpoint completely or not at all."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.initialise import random_state
from tests.fakes.registering_program import STEPS
from tests.robustness.counting import Counted

ROOT = Path(__file__).parents[3]

NUM_KILLS = {"some": 10, "many": 100}


def kills(tmp_path: Path, num_kills: int) -> list[dict[str, Any]]:
    """Return what each of `num_kills` kills left."""
    index = CatalogIndex.load()
    weight = index.default_weight("shufflenet_v2_x0_5")
    file = tmp_path / "backbone.safetensors"
    save_file(random_state(index.recipe_for("shufflenet_v2_x0_5", weight), 0), file)
    program = [sys.executable, "-m", "tests.fakes.registering_program", tmp_path / "home", file]
    done = subprocess.run(
        [*map(str, program), str(num_kills), "7"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=3500,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()][1:]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how_many", ["some", pytest.param("many", marks=pytest.mark.full)])
def test_a_registration_killed_anywhere_leaves_nothing_half_done(
    tmp_path: Path, how_many: str, counted: Counted
) -> None:
    found = kills(tmp_path, NUM_KILLS[how_many])

    print("where the kills fell:", dict(Counter(_where(one) for one in found)))
    assert len(found) == NUM_KILLS[how_many]
    assert all(one["all_whole"] and not one["broken_blobs"] for one in found)
    assert all(one["is_listed"] for one in found if not one["was_killed"])
    steps = [one for one in found if one["step"]]
    assert {one["step"] for one in steps} == set(STEPS)
    assert all(one["was_killed"] for one in steps)
    assert all(one["staged_bytes"] == one["num_bytes"] for one in _at(steps, "half a piece"))
    assert not any(one["is_listed"] for one in steps if one["step"] != "committed")
    assert all(one["is_listed"] for one in _at(steps, "committed"))
    counted(kills=len(found))


def _at(found: list[dict[str, Any]], step: str) -> list[dict[str, Any]]:
    return [one for one in found if one["step"] == step]


def _where(one: dict[str, Any]) -> str:
    if one["step"]:
        return str(one["step"])
    return f"{one['num_staged']} files staged" if one["was_killed"] else "ended before"
