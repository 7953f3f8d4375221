"""What torch.save wrote comes out equal, in every format; nothing else does."""

import argparse
import io
import os
import pickle
import pydoc
import random
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from catalog_service.errors import VertebraError
from catalog_service.reader.read_file import list_tensors, write_tensors
from catalog_service.reader.unreadable import FileUnreadable
from tests.fakes.pickled_calls import Calls

DTYPES = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.int16,
    torch.int8,
    torch.uint8,
    torch.bool,
]


def save(value: object, path: Path, *, is_zip: bool) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=is_zip)
    return path


def read_all(path: Path, output: Path) -> dict[str, torch.Tensor]:
    """Read as the catalog does: list, then copy everything."""
    names = [spec.name for spec in list_tensors(path).tensors]
    write_tensors(path, {name: name for name in names}, output)
    return load_file(output)


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert sorted(actual) == sorted(expected)
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype, name
        assert actual[name].shape == tensor.shape, name
        assert torch.equal(actual[name], tensor), name


def random_view(rng: random.Random) -> torch.Tensor:
    """A tensor as training code leaves it: sliced, transposed, expanded, of any dtype."""
    shape = [rng.randint(0, 5) for _ in range(rng.randint(0, 4))]
    dtype = rng.choice(DTYPES)
    generator = torch.Generator().manual_seed(rng.randint(0, 10**6))
    tensor = (torch.randn(shape, generator=generator) * 3).to(dtype)
    if shape:
        tensor = tensor.permute(*rng.sample(range(len(shape)), len(shape)))
        axis = rng.randrange(len(shape))
        tensor = tensor[(slice(None),) * axis + (slice(rng.randint(0, 2), None, 2),)]
    return tensor.unsqueeze(0).expand(2, *tensor.shape) if rng.random() < 0.3 else tensor


@pytest.mark.parametrize("is_zip", [True, False])
def test_random_views_come_out_as_torch_reads_them(tmp_path: Path, is_zip: bool) -> None:
    rng = random.Random(7)
    state = {f"t{index}": random_view(rng) for index in range(400)}
    path = save(state, tmp_path / "state.pth", is_zip=is_zip)

    read = read_all(path, tmp_path / "out.safetensors")

    assert_same(read, torch.load(path, weights_only=True))


@pytest.mark.parametrize("is_zip", [True, False])
def test_shared_storages_channels_last_and_parameters_are_right(
    tmp_path: Path, is_zip: bool
) -> None:
    shared = torch.randn(6, 4)
    state = OrderedDict(
        whole=shared,
        part=shared[2:4],
        transposed=shared.t(),
        channels_last=torch.randn(8, 5, 3, 3).to(memory_format=torch.channels_last),
        parameter=torch.nn.Parameter(torch.randn(3)),
        counter=torch.tensor(7),
        empty=torch.zeros(0, 3),
    )
    path = save(state, tmp_path / "state.pth", is_zip=is_zip)

    read = read_all(path, tmp_path / "out.safetensors")

    assert_same(read, {name: tensor.detach() for name, tensor in state.items()})


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_lightning_checkpoint_gives_its_state_and_reports_the_rest(
    tmp_path: Path, is_zip: bool
) -> None:
    state = OrderedDict(weight=torch.randn(2, 2))
    checkpoint = {
        "epoch": 3,
        "state_dict": state,
        "optimizer_states": [{"state": {0: {"exp_avg": torch.randn(5)}}}],
        "hyper_parameters": argparse.Namespace(lr=0.1, path=Path("/x")),
        "callbacks": {"a": io.BytesIO},
    }
    path = save(checkpoint, tmp_path / "last.ckpt", is_zip=is_zip)

    found = list_tensors(path)
    read = read_all(path, tmp_path / "out.safetensors")

    assert_same(read, dict(state))
    assert found.taken_from == "state_dict"
    assert "hyper_parameters (argparse.Namespace)" in found.ignored
    assert any(item.startswith("optimizer_states") for item in found.ignored)


def test_versions_are_kept_as_data(tmp_path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.BatchNorm2d(2))
    path = save(module.state_dict(), tmp_path / "state.pth", is_zip=False)

    found = list_tensors(path)

    assert found.format == "legacy"
    assert found.versions == {"": 1, "0": 2}


def test_only_named_tensors_are_copied_and_under_their_new_names(tmp_path: Path) -> None:
    state = {"old": torch.randn(3), "other": torch.randn(3)}
    path = save(state, tmp_path / "state.pth", is_zip=True)

    write_tensors(path, {"old": "new"}, tmp_path / "out.safetensors")

    assert_same(load_file(tmp_path / "out.safetensors"), {"new": state["old"]})


def test_the_output_is_what_safetensors_itself_writes(tmp_path: Path) -> None:
    state = {"b": torch.randn(3), "a": torch.tensor(1), "c": torch.randn(2, 2).half()}
    path = save(state, tmp_path / "state.pth", is_zip=True)

    write_tensors(path, {name: name for name in state}, tmp_path / "out.safetensors")

    save_file(state, tmp_path / "expected.safetensors", metadata={"format": "pt"})
    expected = (tmp_path / "expected.safetensors").read_bytes()
    assert (tmp_path / "out.safetensors").read_bytes() == expected


def test_the_malicious_fixture_does_execute_in_a_careless_reader(tmp_path: Path) -> None:
    """Control: without it the next test could pass on a harmless file."""
    marker = tmp_path / "marker"
    path = save(
        {"w": torch.zeros(1), "x": Calls(os.system, f"touch {marker}")},
        tmp_path / "evil.pth",
        is_zip=True,
    )

    torch.load(path, weights_only=False)  # the careless reader, on purpose

    assert marker.exists()


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize(
    "function",
    [os.system, eval, exec, __import__, pickle.loads],
    ids=["os.system", "eval", "exec", "__import__", "pickle.loads"],
)
def test_a_file_that_asks_to_run_something_is_refused(
    tmp_path: Path, is_zip: bool, function: Any
) -> None:
    marker = tmp_path / "marker"
    argument: Any = f"touch {marker}"
    if function is not os.system:
        argument = f"open({str(marker)!r}, 'w')"
    if function is pickle.loads:
        argument = pickle.dumps(Calls(os.system, f"touch {marker}"))
    value = {"w": torch.zeros(1), "x": Calls(function, argument)}
    path = save(value, tmp_path / "evil.pth", is_zip=is_zip)

    with pytest.raises(FileUnreadable, match="asks to run"):
        list_tensors(path)

    assert not marker.exists()


def test_a_gadget_that_no_list_knows_is_not_executed_either(tmp_path: Path) -> None:
    """`pydoc.pipepager` runs any command; the refusals' list does not have it."""
    marker = tmp_path / "marker"
    value = {"w": torch.zeros(1), "x": Calls(pydoc.pipepager, "text", f"touch {marker}")}
    path = save(value, tmp_path / "evil.pth", is_zip=True)

    found = list_tensors(path)
    read_all(path, tmp_path / "out.safetensors")

    assert found.ignored == ("x (pydoc.pipepager)",)
    assert not marker.exists()


def rewrite_zip(path: Path, **changes: Any) -> Path:
    """Return a copy of a torch file with every entry passed through `changes`."""
    source = zipfile.ZipFile(path)
    target = path.with_name("changed.pth")
    with zipfile.ZipFile(target, "w", changes.get("compression", zipfile.ZIP_STORED)) as archive:
        for info in source.infolist():
            name = changes.get("rename", lambda name: name)(info.filename)
            archive.writestr(
                name, changes.get("content", lambda _, b: b)(info.filename, source.read(info))
            )
    return target


def plain(tmp_path: Path) -> Path:
    return save({"w": torch.arange(9.0)}, tmp_path / "plain.pth", is_zip=True)


def test_compressed_entries_are_refused_so_there_is_no_zip_bomb(tmp_path: Path) -> None:
    path = rewrite_zip(
        plain(tmp_path),
        compression=zipfile.ZIP_DEFLATED,
        content=lambda name, content: content if name.endswith("pkl") else b"\0" * 10**8,
    )

    with pytest.raises(FileUnreadable, match="compressed"):
        list_tensors(path)


def test_entry_names_that_point_outside_are_refused(tmp_path: Path) -> None:
    path = rewrite_zip(plain(tmp_path), rename=lambda n: n.replace("plain/data/0", "../../etc/x"))

    with pytest.raises(FileUnreadable, match="outside"):
        list_tensors(path)


def test_a_storage_shorter_than_its_tensor_is_refused(tmp_path: Path) -> None:
    path = rewrite_zip(
        plain(tmp_path), content=lambda n, content: content[:8] if n.endswith("data/0") else content
    )

    with pytest.raises(FileUnreadable, match="shorter"):
        read_all(path, tmp_path / "out.safetensors")


def test_a_view_that_expands_to_a_terabyte_is_refused(tmp_path: Path) -> None:
    path = save({"w": torch.zeros(1).expand(10**12)}, tmp_path / "bomb.pth", is_zip=True)

    with pytest.raises(FileUnreadable, match="would become"):
        list_tensors(path)


def test_a_pickle_of_countless_objects_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "many.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02(" + b"]" * 10_000_000 + b"l.")

    with pytest.raises(FileUnreadable, match="opcodes"):
        list_tensors(path)


def test_a_zip_of_countless_entries_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "many.pth"
    central = b"".join(
        struct.pack(
            "<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0
        )
        + f"{index:07d}".encode()
        for index in range(400_000)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(central), 4, 0)
    path.write_bytes(b"PK\x03\x04" + central + end)

    with pytest.raises(FileUnreadable):
        list_tensors(path)


@pytest.mark.parametrize("is_zip", [True, False])
def test_every_cut_of_a_file_is_refused_or_harmless(tmp_path: Path, is_zip: bool) -> None:
    whole = save({"w": torch.arange(64.0), "v": torch.ones(3)}, tmp_path / "a.pth", is_zip=is_zip)
    content = whole.read_bytes()
    cut = tmp_path / "cut.pth"

    for length in range(0, len(content) - 1, max(1, len(content) // 12)):
        cut.write_bytes(content[:length])
        with pytest.raises(FileUnreadable):
            read_all(cut, tmp_path / "out.safetensors")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither"),
        (b"<html>404</html>" * 10, "neither"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "exhausted"),
        (b"PK\x03\x04" + b"\0" * 100, "zip"),
        (b"\xff\xff\xff\xff\0\0\0\0{" + b" " * 100, "header"),
    ],
    ids=["empty", "html", "magic only", "zip start only", "huge safetensors header"],
)
def test_what_is_no_tensor_file_is_refused_and_named(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "thing.pth"
    path.write_bytes(content)

    with pytest.raises(VertebraError, match=f"thing.pth.*{message}"):
        list_tensors(path)


def test_a_pickled_module_is_refused_with_what_it_is(tmp_path: Path) -> None:
    path = save(torch.nn.Linear(2, 2), tmp_path / "module.pth", is_zip=True)

    with pytest.raises(FileUnreadable, match=r"no state dictionary in it, but .*Linear"):
        list_tensors(path)


def test_the_child_sees_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted sitecustomize or PYTHONPATH must not reach it."""
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))

    assert list_tensors(plain(tmp_path)).format == "zip"


HALF_A_PAIR = b"\xed\xa0\x80"
"""U+D800 as a pickle spells it: half a surrogate pair, which no UTF-8 text and no message holds."""


def test_a_tensor_name_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    path = save({"a.zzz": torch.zeros(2)}, tmp_path / "state.pth", is_zip=False)
    path.write_bytes(path.read_bytes().replace(b"zzz", HALF_A_PAIR))

    with pytest.raises(FileUnreadable, match="not Unicode"):
        list_tensors(path)


def test_a_safetensors_name_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    save_file({"a.zzzzzz": torch.zeros(2)}, path)
    path.write_bytes(path.read_bytes().replace(b"zzzzzz", rb"\ud800"))

    with pytest.raises(FileUnreadable, match="not Unicode"):
        list_tensors(path)


def test_what_lies_beside_the_state_is_reported_in_words_that_a_message_can_carry(
    tmp_path: Path,
) -> None:
    value = {"state_dict": {"a": torch.zeros(2)}, "zzz": 3}
    path = save(value, tmp_path / "state.pth", is_zip=False)
    path.write_bytes(path.read_bytes().replace(b"zzz", HALF_A_PAIR))

    assert list_tensors(path).ignored == ("? (int)",)
