"""Published files become one blob under canonical names, number for number, or nothing at all."""

import os
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from catalog_service.blobs.store import BlobStore, DigestMismatch
from catalog_service.reader.unreadable import FileUnreadable
from catalog_service.weights.conversion import PartsDiffer, convert, store_as_published
from catalog_service.weights.published_layouts import NamesCollide
from catalog_service.weights.sources.shards import ShardIndex
from tests.fakes.pickled_calls import Calls

STATE = OrderedDict(
    (name, torch.randn(3, 4))
    for name in ("conv1.weight", "layer1.0.conv1.weight", "layer2.0.conv1.weight", "fc.weight")
)


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def numbers(store: BlobStore, digest: str) -> dict[str, Tensor]:
    return load_file(store.path(digest))


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert sorted(found) == sorted(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def is_clean(store: BlobStore) -> bool:
    return not list((store.root / "staging").iterdir())


def parts_of(folder: Path, *, ending: str = "safetensors") -> tuple[list[Path], ShardIndex]:
    """Write STATE in two parts as the hub has them."""
    names = list(STATE)
    files = [f"model-0000{number}-of-00002.{ending}" for number in (1, 2)]
    for file, kept in zip(files, (names[:1], names[1:]), strict=True):
        state = {name: STATE[name] for name in kept}
        if ending == "safetensors":
            save_file(state, folder / file)
        else:
            torch.save(state, folder / file)
    weight_map = {name: files[0] if name == names[0] else files[1] for name in names}
    return [folder / file for file in files], ShardIndex(weight_map=weight_map)


def test_one_file_becomes_a_blob_with_its_rules(tmp_path: Path, store: BlobStore) -> None:
    old, new = "features.denseblock1.denselayer1.norm.1.weight", "norm1.weight"
    torch.save({old: torch.ones(4)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)

    converted = convert([tmp_path / "old.pth"], "densenet", store)

    found = numbers(store, converted.blob.digest)
    assert_same(found, {f"features.denseblock1.denselayer1.{new}": torch.ones(4)})
    assert "1 names" in converted.rules[0]
    assert is_clean(store)


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_parts_become_the_blob_that_the_whole_file_becomes(
    tmp_path: Path, store: BlobStore, ending: str
) -> None:
    paths, shards = parts_of(tmp_path, ending=ending)
    save_file(STATE, tmp_path / "whole.safetensors")

    of_parts = convert(paths, "resnet", store, shards=shards)
    of_whole = convert([tmp_path / "whole.safetensors"], "resnet", store)

    assert_same(numbers(store, of_parts.blob.digest), STATE)
    assert of_parts.blob == of_whole.blob


def test_a_part_that_lacks_a_tensor_of_the_index_is_refused(
    tmp_path: Path, store: BlobStore
) -> None:
    paths, shards = parts_of(tmp_path)
    save_file({"layer1.0.conv1.weight": torch.zeros(1)}, paths[1])

    with pytest.raises(PartsDiffer, match=r"2 tensors are not in it \(fc.weight"):
        convert(paths, "resnet", store, shards=shards)

    assert is_clean(store)


def test_a_tensor_that_no_index_names_is_refused(tmp_path: Path, store: BlobStore) -> None:
    paths, shards = parts_of(tmp_path)
    kept = {name: part for name, part in shards.weight_map.items() if name != "fc.weight"}

    with pytest.raises(PartsDiffer, match=r"1 are not in the index \(fc.weight\)"):
        convert(paths, "resnet", store, shards=ShardIndex(weight_map=kept))


def test_a_tensor_in_two_files_is_refused(tmp_path: Path, store: BlobStore) -> None:
    paths, _ = parts_of(tmp_path)

    with pytest.raises(NamesCollide, match="two tensors"):
        convert([paths[0], paths[0]], "resnet", store)


def test_nan_and_infinity_are_reported_by_canonical_name(tmp_path: Path, store: BlobStore) -> None:
    state = {
        "encoder.layers.encoder_layer_0.mlp.linear_1.bias": torch.tensor([1.0, float("nan")]),
        "heads.head.bias": torch.tensor([float("-inf")]),
        "class_token": torch.full((1000,), 3.3e38),
        "half": torch.tensor([65504.0]).half(),
        "count": torch.tensor(-1),
    }
    torch.save(state, tmp_path / "vit.pth")

    converted = convert([tmp_path / "vit.pth"], "vit", store)

    assert sorted(converted.non_finite) == [
        "encoder.layers.encoder_layer_0.mlp.0.bias",
        "heads.head.bias",
    ]


def test_what_lies_beside_the_state_is_reported(tmp_path: Path, store: BlobStore) -> None:
    torch.save({"state_dict": STATE, "epoch": 3}, tmp_path / "last.ckpt")

    converted = convert([tmp_path / "last.ckpt"], "resnet", store)

    assert converted.ignored == ("epoch (int)",)


def test_what_is_remembered_of_a_file_stays_short(tmp_path: Path, store: BlobStore) -> None:
    state = {f"{'n' * 300}{number}": torch.tensor(float("nan")) for number in range(1500)}
    beside = {f"{number}": "x" for number in range(1500)}
    torch.save({"state_dict": state, **beside}, tmp_path / "last.ckpt")

    converted = convert([tmp_path / "last.ckpt"], "resnet", store)

    for told in (converted.ignored, converted.non_finite):
        assert told[-1] == "and 500 more"
        assert sum(map(len, told)) < 250_000


def test_a_tensor_of_nan_in_a_strange_order_is_found(tmp_path: Path, store: BlobStore) -> None:
    """Views are put in order block by block: they take another way than plain runs."""
    weight = torch.zeros(2000, 3000)
    weight[1999, 2999] = float("nan")
    torch.save({"fc.weight": weight.t()}, tmp_path / "t.pth")

    converted = convert([tmp_path / "t.pth"], "resnet", store)

    found = numbers(store, converted.blob.digest)["fc.weight"]
    assert torch.equal(found.isnan(), weight.t().isnan())
    assert converted.non_finite == ("fc.weight",)


def test_a_file_that_is_refused_leaves_nothing(tmp_path: Path, store: BlobStore) -> None:
    path = tmp_path / "cut.pth"
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-1000])

    with pytest.raises(FileUnreadable, match=r"cut.pth"):
        convert([path], "resnet", store)

    assert is_clean(store)


def test_a_quantized_file_is_kept_as_it_is_and_never_opened(
    tmp_path: Path, store: BlobStore
) -> None:
    marker, path = tmp_path / "marker", tmp_path / "quantized.pth"
    torch.save({"w": Calls(os.system, f"touch {marker}")}, path)
    digest = store.adopt_file(path).digest
    store.quarantine(digest, "only its digest was wanted")

    converted = store_as_published(path, store, digest=digest)

    assert store.path(converted.blob.digest).read_bytes() == path.read_bytes()
    assert not marker.exists()


def test_a_quantized_file_that_changed_since_it_was_proven_is_refused(
    tmp_path: Path, store: BlobStore
) -> None:
    path = tmp_path / "quantized.pth"
    path.write_bytes(b"other bytes")

    with pytest.raises(DigestMismatch):
        store_as_published(path, store, digest=f"sha256:{'0' * 64}")


def test_who_waits_is_told_how_far_it_is(tmp_path: Path, store: BlobStore) -> None:
    torch.save({f"layer1.{n}.weight": torch.zeros(2_000_000) for n in range(8)}, tmp_path / "a.pth")
    told: list[tuple[int, int]] = []

    convert([tmp_path / "a.pth"], "resnet", store, written=lambda *now: told.append(now))

    size_bytes = (tmp_path / "a.pth").stat().st_size
    assert told == sorted(told)
    assert told[-1] == (size_bytes, size_bytes)
