"""Kept features on disk: found by later jobs, whole or not at all."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.kept_features import (
    Frozen,
    caching,
    differing,
    frozen,
    image_batches,
    noise,
    state_of,
    trained,
)
from trainer_service.features.cached_batches import CachedBatches
from trainer_service.features.caching import Caching
from trainer_service.features.feature_folder import FEATURES_FILE, FeatureFolder, TableSpec
from trainer_service.features.phase_source import phase_source
from trainer_service.features.table import Form

HEAD_ONLY = FreezeMode(kind="frozen_backbone")
TINY = "shufflenet_v2_x0_5"
ROOM = 1_000_000
FORM = Form(sizes=(4,), strides=(1,), dtype=torch.float32)


def tables(num_rows: int = 10) -> list[TableSpec]:
    return [TableSpec(name="train.0", form=FORM, num_rows=num_rows)]


def folder(root: Path, *, budget_bytes: int = ROOM) -> FeatureFolder:
    return FeatureFolder(root, budget_bytes, lambda text: None)


def keep(kept: FeatureFolder, key: str, *, num_rows: int = 10) -> None:
    with kept.draft(key, tables(num_rows)) as draft:
        draft.rows["train.0"].copy_(torch.arange(4 * num_rows).reshape(num_rows, 4))
        draft.commit()


def test_what_was_committed_is_found_by_another(tmp_path: Path) -> None:
    keep(folder(tmp_path), "key")

    found = folder(tmp_path).find("key", tables())

    assert found is not None
    assert torch.equal(found["train.0"], torch.arange(40.0).reshape(10, 4))


def test_what_was_not_committed_is_nowhere(tmp_path: Path) -> None:
    kept = folder(tmp_path)
    with kept.draft("key", tables()) as draft:
        draft.rows["train.0"].fill_(1)

    assert kept.find("key", tables()) is None
    assert files_in(tmp_path) == []


def test_of_two_writers_the_first_one_stays(tmp_path: Path) -> None:
    one, other = folder(tmp_path), folder(tmp_path)
    with one.draft("key", tables()) as first, other.draft("key", tables()) as second:
        first.rows["train.0"].fill_(1)
        second.rows["train.0"].fill_(1)
        first.commit()
        second.commit()
        assert float(second.rows["train.0"].sum()) == 40

    assert one.find("key", tables()) is not None
    assert len(files_in(tmp_path)) == 2


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("harm", [flip_a_bit, cut_short, remove])
def test_damaged_features_are_refused_and_removed(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    said: list[str] = []
    keep(folder(tmp_path), "key")
    harm(tmp_path / "key" / FEATURES_FILE)

    kept = FeatureFolder(tmp_path, ROOM, said.append)

    assert kept.find("key", tables()) is None
    assert "kept features key are damaged" in said[0]
    assert files_in(tmp_path) == []


def test_features_of_another_form_are_refused(tmp_path: Path) -> None:
    keep(folder(tmp_path), "key")

    assert folder(tmp_path).find("key", tables(11)) is None


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    kept = folder(tmp_path, budget_bytes=700)
    for age, key in ((30, "old"), (20, "older in use")):
        keep(kept, key)
        stamp = time.time() - age
        os.utime(tmp_path / key / "record.json", (stamp, stamp))
    stamp = time.time() - 40
    os.utime(tmp_path / "older in use" / "record.json", (stamp, stamp))
    assert kept.find("older in use", tables()) is not None

    keep(kept, "new")

    assert kept.find("old", tables()) is None
    assert kept.find("older in use", tables()) is not None
    assert kept.find("new", tables()) is not None


def test_what_is_larger_than_the_budget_is_not_kept(tmp_path: Path) -> None:
    assert not folder(tmp_path, budget_bytes=100).has_room_for(101)
    assert folder(tmp_path, budget_bytes=100).has_room_for(100)


WRITER = """
import sys, time, torch
from pathlib import Path
from tests.trainer_service.features.test_feature_folder import folder, tables
with folder(Path(sys.argv[1])).draft("key", tables()) as draft:
    draft.rows["train.0"].fill_(1)
    print("half", flush=True)
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        keep(folder(tmp_path), "meanwhile")
        assert any("staging" in name for name in files_in(tmp_path)), "it is still being written"
        writer.send_signal(signal.SIGKILL)

    keep(folder(tmp_path), "afterwards")

    assert folder(tmp_path).find("key", tables()) is None
    assert not any("staging" in name for name in files_in(tmp_path))


def test_a_second_job_runs_no_trunk_and_gets_the_same_head(tmp_path: Path) -> None:
    said: list[str] = []
    first, second = (frozen("resnet18", HEAD_ONLY) for _ in range(2))
    images = image_batches(noise(12))
    trained(kept(first, images, tmp_path), first.plan)
    seen: list[int] = []
    second.model.get_submodule("conv1").register_forward_hook(
        lambda _, inputs, __: seen.append(len(inputs[0]))
    )

    trained(kept(second, images, tmp_path, say=said.append), second.plan)

    assert sum(seen) == 5, "only those that show where the frozen part ends"
    assert "found, kept by an earlier job" in said[0]
    assert differing(state_of(first.model), state_of(second.model)) == []


def test_damaged_features_are_computed_again(tmp_path: Path) -> None:
    first, second = (frozen(TINY, HEAD_ONLY) for _ in range(2))
    images = image_batches(noise(8))
    trained(kept(first, images, tmp_path), first.plan)
    [path] = tmp_path.glob(f"*/{FEATURES_FILE}")
    flip_a_bit(path)
    said: list[str] = []

    trained(kept(second, images, tmp_path, say=said.append), second.plan)

    assert "are damaged" in said[0]
    assert "computed once" in said[1]
    assert differing(state_of(first.model), state_of(second.model)) == []


def other_weights(part: Frozen) -> None:
    with torch.no_grad():
        part.model.get_parameter("conv1.0.weight").mul_(1.01)


def other_statistics(part: Frozen) -> None:
    part.model.get_buffer("conv1.1.running_mean").add_(0.01)


def other_head(part: Frozen) -> None:
    with torch.no_grad():
        part.model.get_parameter("fc.weight").mul_(2)


@pytest.mark.parametrize(
    ("change", "num_kept"), [(other_weights, 2), (other_statistics, 2), (other_head, 1)]
)
def test_a_key_is_of_the_frozen_part(
    tmp_path: Path, change: Callable[[Frozen], None], num_kept: int
) -> None:
    """A head may differ: many heads can be tried on one backbone's features."""
    images = image_batches(noise(8))
    part = frozen(TINY, HEAD_ONLY)
    kept(part, images, tmp_path)

    change(part)
    kept(part, images, tmp_path)

    assert len(list(tmp_path.glob(f"*/{FEATURES_FILE}"))) == num_kept


@pytest.mark.parametrize(
    "words", [{"batch_size": 8}, {"precision": "bf16"}, {"identity": "another"}]
)
def test_a_key_is_of_how_it_is_computed(tmp_path: Path, words: dict[str, object]) -> None:
    images, part = image_batches(noise(8)), frozen(TINY, HEAD_ONLY)
    kept(part, images, tmp_path)

    kept(part, images, tmp_path, **words)

    assert len(list(tmp_path.glob(f"*/{FEATURES_FILE}"))) == 2


def test_a_key_is_of_the_images_in_their_order(tmp_path: Path) -> None:
    part = frozen(TINY, HEAD_ONLY)
    images = noise(8)
    turned = noise(8)
    turned.kept.copy_(images.kept.flip(0))
    for each in (images, turned, noise(8)):
        kept(part, image_batches(each), tmp_path)

    assert len(list(tmp_path.glob(f"*/{FEATURES_FILE}"))) == 2


def test_what_has_no_room_on_disk_is_kept_in_memory(tmp_path: Path) -> None:
    part, images = frozen(TINY, HEAD_ONLY), image_batches(noise(8))

    kept(part, images, tmp_path, budget_bytes=10)

    assert files_in(tmp_path) == []


def kept(part: Frozen, images: object, root: Path, **words: object) -> object:
    settings = {"folder": str(root), "budget_bytes": ROOM, **words}
    asked: Caching = caching(**settings)  # type: ignore[arg-type]
    source = phase_source(part.model, images, part.plan, asked)  # type: ignore[arg-type]
    assert isinstance(source[1], CachedBatches)
    return source


def files_in(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
