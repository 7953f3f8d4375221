"""Where each byte of a planned file comes from, and what names its content."""

from pathlib import Path

from catalog_service.blobs.safetensors_file import TensorEntry
from catalog_service.blobs.tensor_plan import SourceTensor, header_alone, plan_tensors

ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def source(name: str, begin: int, *, digest: str = ONE, dtype: str = "F32") -> SourceTensor:
    """Return a tensor of four numbers at a position of a blob."""
    size = {"F32": 16, "F16": 8}[dtype]
    entry = TensorEntry(name=name, dtype=dtype, shape=(4,), begin=begin, end=begin + size)
    return SourceTensor(name=name, digest=digest, path=Path(digest), entry=entry)


def test_neighbours_of_one_blob_are_read_as_one() -> None:
    plan = plan_tensors([source("b", 116), source("a", 100), source("c", 132)])

    (run,) = plan.runs
    assert (run.source_begin, run.end - run.begin) == (100, 48)
    assert (run.begin, run.end) == (len(plan.header), plan.size_bytes)


def test_what_lies_side_by_side_in_two_blobs_is_not() -> None:
    plan = plan_tensors([source("a", 100), source("b", 116, digest=OTHER)])

    assert [(run.path, run.source_begin) for run in plan.runs] == [
        (Path(ONE), 100),
        (Path(OTHER), 116),
    ]


def test_a_gap_ends_a_run() -> None:
    plan = plan_tensors([source("a", 100), source("b", 120)])

    assert [run.source_begin for run in plan.runs] == [100, 120]


def test_what_is_cast_is_read_by_itself() -> None:
    plan = plan_tensors([source("a", 100), source("b", 116)], dtype="BF16")

    assert [run.end - run.begin for run in plan.runs] == [8, 8]


def test_equal_names_with_other_numbers_are_another_content() -> None:
    """The headers are the same; the blobs are not."""
    plans = [plan_tensors([source("a", 100, digest=digest)]) for digest in (ONE, OTHER)]

    assert plans[0].header == plans[1].header
    assert plans[0].etag != plans[1].etag
    assert header_alone(plans[0]).etag == header_alone(plans[1]).etag


def test_what_was_stored_decides_beside_what_it_is_cast_to() -> None:
    """F16 -> F32 and F32 as it is have one header and other numbers."""
    cast = plan_tensors([source("a", 100, dtype="F16")], dtype="F32")
    stored = plan_tensors([source("a", 100)])

    assert cast.header == stored.header
    assert cast.etag != stored.etag


def test_nothing_chosen_is_a_file_without_tensors() -> None:
    plan = plan_tensors([])

    assert (plan.runs, plan.num_tensors, plan.size_bytes) == ((), 0, len(plan.header))
