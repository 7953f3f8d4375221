"""Files equal those of the safetensors library; hostile headers are refused, not believed."""

import io
import json
import struct
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.blobs.safetensors_file import (
    DTYPE_BITS,
    MalformedSafetensors,
    StateWriter,
    TensorSpec,
    read_header,
    read_tensor_bytes,
)

ODD_NAMES = ['é"\\\n\t\x7f\x01/ω😀', "Z", "a", "_", "layer.10.weight", "layer.2.weight", ""]


def torch_dtypes() -> dict[str, torch.dtype]:
    """Return every dtype that safetensors can save, by its spelling."""
    found = {}
    for name in dir(torch):
        dtype = getattr(torch, name)
        if isinstance(dtype, torch.dtype):
            try:
                tensor = torch.zeros(8, dtype=torch.uint8).view(dtype)
                file = safetensors.torch.save({"t": tensor})
            except (RuntimeError, KeyError, TypeError, safetensors.SafetensorError):
                continue
            found[json.loads(file[8:].split(b"}}")[0] + b"}}")["t"]["dtype"]] = dtype
    return found


def state() -> dict[str, torch.Tensor]:
    """Return a state with every dtype, odd names, scalars and empty tensors."""
    tensors = {
        f"t.{i}": torch.arange(16, dtype=torch.uint8).view(dtype).clone()
        for i, dtype in enumerate(torch_dtypes().values())
    }
    tensors |= {name: torch.randn(3, 2) for name in ODD_NAMES}
    tensors |= {"scalar": torch.tensor(1.5), "empty": torch.zeros(0, 3)}
    return tensors


def rewritten(file: bytes, path: Path) -> bytes:
    """Return what our writer makes of a file's tensors, offered in the opposite order."""
    path.write_bytes(file)
    entries = {entry.name: entry for entry in read_header(path)}
    specs = [TensorSpec(name=e.name, dtype=e.dtype, shape=e.shape) for e in entries.values()]
    out = io.BytesIO()
    writer = StateWriter(out, specs[::-1])
    for spec in writer.order:
        writer.write_tensor(spec.name, b"".join(read_tensor_bytes(path, entries[spec.name])))
    writer.finish()
    return out.getvalue()


def test_every_dtype_of_the_library_is_known():
    assert len(torch_dtypes()) >= 15
    assert set(torch_dtypes()) <= set(DTYPE_BITS)


def test_a_written_file_equals_the_librarys_byte_for_byte(tmp_path):
    path = tmp_path / "library.safetensors"
    safetensors.torch.save_file(state(), path, metadata={"format": "pt"})

    assert rewritten(path.read_bytes(), path) == path.read_bytes()


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter("__metadata__".__ne__),
        st.tuples(
            st.sampled_from([torch.float32, torch.int64, torch.float16, torch.int16, torch.bool]),
            st.lists(st.integers(0, 3), max_size=3),
        ),
        max_size=6,
    )
)
def test_any_state_equals_the_librarys_byte_for_byte(tmp_path_factory, layout):
    tensors = {name: torch.zeros(shape, dtype=dtype) for name, (dtype, shape) in layout.items()}
    file = safetensors.torch.save(tensors, metadata={"format": "pt"})

    assert rewritten(file, tmp_path_factory.getbasetemp() / "any.safetensors") == file


def test_the_reader_finds_what_the_library_wrote(tmp_path):
    path = tmp_path / "f.safetensors"
    tensors = state()
    safetensors.torch.save_file(tensors, path)

    for entry in read_header(path):
        expected = tensors[entry.name].contiguous().view(torch.uint8) if entry.shape else None
        data = b"".join(read_tensor_bytes(path, entry))
        assert len(data) == entry.end - entry.begin
        if expected is not None:
            assert data == bytes(expected.flatten().tolist())


def entry(begin: int, end: int, dtype: str = "U8", shape: object = None) -> dict[str, object]:
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def file_of(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


HOSTILE = {
    "nothing": b"",
    "half a length": b"\x08\x00\x00",
    "length of 8 EiB": file_of({}, length=2**63),
    "length beyond the file": file_of({}, length=3),
    "length over 100 MB": struct.pack("<Q", 100_000_001) + b"{" + b" " * 100,
    "not JSON": file_of(b"{nope}"),
    "not a table": file_of(b"[]"),
    "leading space": file_of(b" {}"),
    "trailing text": file_of(b"{}x"),
    "not UTF-8": file_of(b'{"\xff": 1}'),
    "NaN": file_of(b'{"a": NaN}'),
    "nested deep": file_of(b'{"a":' * 30_000 + b"1" + b"}" * 30_000),
    "number of 5000 digits": file_of(b'{"a":' + b"9" * 5000 + b"}"),
    "a name twice": file_of(b'{"a":%b,"a":%b}' % ((json.dumps(entry(0, 1)).encode(),) * 2), b"x"),
    "a key twice": file_of(b'{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}'),
    "overlap": file_of({"a": entry(0, 4), "b": entry(2, 6)}, b"123456"),
    "same place": file_of({"a": entry(0, 4), "b": entry(0, 4)}, b"1234"),
    "hole": file_of({"a": entry(0, 2), "b": entry(3, 6)}, b"123456"),
    "hole at the start": file_of({"a": entry(1, 2)}, b"12"),
    "bytes left over": file_of({"a": entry(0, 2)}, b"123"),
    "bytes missing": file_of({"a": entry(0, 9)}, b"123"),
    "end before begin": file_of({"a": entry(2, 0, shape=[2])}, b"12"),
    "negative offset": file_of({"a": entry(-2, 0)}, b"12"),
    "shape that overflows 64 bits": file_of(
        {"a": entry(0, 4, "F32", [2**62, 2**62, 0 + 1])}, b"1234"
    ),
    "shape that wraps to the size": file_of({"a": entry(0, 4, "F32", [2**64 + 1])}, b"1234"),
    "shape too small": file_of({"a": entry(0, 8, "F32", [1])}, b"12345678"),
    "half a byte": file_of({"a": entry(0, 1, "F4", [1])}, b"1"),
    "negative shape": file_of({"a": entry(0, 1, "U8", [-1, -1])}, b"1"),
    "boolean shape": file_of({"a": entry(0, 1, "U8", [True])}, b"1"),
    "float shape": file_of({"a": entry(0, 1, "U8", [1.0])}, b"1"),
    "shape of a million": file_of({"a": entry(0, 1, "U8", [1] * 1_000_000)}, b"1"),
    "unknown dtype": file_of({"a": entry(0, 1, "Q8")}, b"1"),
    "dtype that is a list": file_of({"a": entry(0, 1, ["U8"])}, b"1"),
    "unknown key": file_of({"a": {**entry(0, 1), "code": "x"}}, b"1"),
    "missing key": file_of({"a": {"dtype": "U8", "shape": [0]}}),
    "three offsets": file_of({"a": {**entry(0, 1), "data_offsets": [0, 1, 1]}}, b"1"),
    "metadata that is no table": file_of({"__metadata__": []}),
    "metadata that is no text": file_of({"__metadata__": {"a": 1}}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused(tmp_path, case):
    path = tmp_path / "upload.safetensors"
    path.write_bytes(HOSTILE[case])

    with pytest.raises(MalformedSafetensors, match="is not a safetensors file"):
        read_header(path)


@pytest.mark.parametrize("header", [{}, {"__metadata__": {"a": "b"}}, {"a": entry(0, 0)}])
def test_a_sound_file_without_bytes_is_read(tmp_path, header):
    (tmp_path / "f").write_bytes(file_of(header))

    assert len(read_header(tmp_path / "f")) == len(header.keys() - {"__metadata__"})


@given(st.binary(max_size=200), st.integers(0, 200))
def test_no_bytes_are_a_bug(tmp_path_factory, noise, position):
    sound = file_of({"a": entry(0, 4), "b": entry(4, 6, "F16", [1])}, b"123456")
    path = tmp_path_factory.getbasetemp() / "noise.safetensors"
    for file in (noise, sound[:position] + noise + sound[position + len(noise) :]):
        path.write_bytes(file)
        try:
            read_header(path)
        except MalformedSafetensors:
            continue


def test_a_file_that_shrinks_while_it_is_read_is_an_error(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(file_of({"a": entry(0, 4)}, b"1234"))
    (found,) = read_header(path)
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(MalformedSafetensors, match="ends inside tensor 'a'"):
        b"".join(read_tensor_bytes(path, found))


def test_a_writer_refuses_another_order_another_size_and_too_few():
    specs = [TensorSpec(name=name, dtype="U8", shape=(2,)) for name in "ab"]
    writer = StateWriter(io.BytesIO(), specs)

    with pytest.raises(AssertionError, match="wanted 'a' next"):
        writer.write_tensor("b", b"12")
    with pytest.raises(AssertionError, match="has 3 bytes"):
        writer.write_tensor("a", b"123")
    with pytest.raises(AssertionError, match="without bytes"):
        writer.finish()
