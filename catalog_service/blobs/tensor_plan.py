"""A safetensors file that is never on the disk: its header, and where each of its bytes comes from.

Pure: nothing is read here. The file equals, byte for byte, what `safetensors.torch.save_file` would
write for the chosen tensors, so one request gives one file, whoever answers it and however often.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from catalog_service.blobs.casts import Cast, cast_between
from catalog_service.blobs.safetensors_file import (
    TensorEntry,
    TensorSpec,
    file_order,
    header_bytes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTensor:
    """A tensor that is on the disk."""

    name: str
    """What it is called in the new file."""
    digest: str
    """Of the blob that holds it."""
    path: Path
    """Of that blob."""
    entry: TensorEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Bytes `begin` up to `end` of the new file: a stretch of a blob as it is, or cast."""

    begin: int
    end: int
    path: Path
    source_begin: int
    cast: Cast | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorPlan:
    """The new file."""

    header: bytes
    runs: tuple[Run, ...]
    """In order and without holes from the header to the end."""
    num_tensors: int
    etag: str
    """Names the content: the header says what is in it, the blobs' digests which numbers."""

    @property
    def size_bytes(self) -> int:
        """Length of the file."""
        return self.runs[-1].end if self.runs else len(self.header)


def plan_tensors(chosen: Sequence[SourceTensor], *, dtype: str = "") -> TensorPlan:
    """Return the file of the chosen tensors, in safetensors' own order.

    Args:
        dtype: `F32`, `F16` or `BF16` casts floating-point tensors; empty leaves all as they are.
    """
    sources = {tensor.name: tensor for tensor in chosen}
    order = file_order([_spec(tensor, dtype) for tensor in chosen])
    header = header_bytes(order)
    runs = tuple(_merged(_runs(order, sources, first=len(header))))
    return TensorPlan(
        header=header,
        runs=runs,
        num_tensors=len(order),
        etag=_etag(header, [sources[spec.name] for spec in order]),
    )


def header_alone(plan: TensorPlan) -> TensorPlan:
    """Return the plan's header without any numbers."""
    return replace(plan, runs=(), etag=_etag(plan.header, ()))


def _spec(tensor: SourceTensor, dtype: str) -> TensorSpec:
    cast = cast_between(tensor.entry.dtype, dtype)
    return TensorSpec(
        name=tensor.name,
        dtype=cast.target if cast else tensor.entry.dtype,
        shape=tensor.entry.shape,
    )


def _runs(
    order: Iterable[TensorSpec], sources: dict[str, SourceTensor], *, first: int
) -> Iterable[Run]:
    begin = first
    for spec in order:
        source = sources[spec.name]
        end = begin + spec.size_bytes
        yield Run(
            begin=begin,
            end=end,
            path=source.path,
            source_begin=source.entry.begin,
            cast=cast_between(source.entry.dtype, spec.dtype),
        )
        begin = end


def _merged(runs: Iterable[Run]) -> list[Run]:
    """Join neighbours that are neighbours in their blob too: a whole blob is then two runs."""
    merged: list[Run] = []
    for run in runs:
        last = merged[-1] if merged else None
        if last is not None and _continues(last, run):
            merged[-1] = replace(last, end=run.end)
        else:
            merged.append(run)
    return merged


def _continues(last: Run, run: Run) -> bool:
    return (
        last.cast is None
        and run.cast is None
        and last.path == run.path
        and last.source_begin + (last.end - last.begin) == run.source_begin
    )


def _etag(header: bytes, sources: Sequence[SourceTensor]) -> str:
    numbers = [[s.digest, s.entry.name, s.entry.begin, s.entry.dtype] for s in sources]
    hashed = hashlib.sha256(header)
    hashed.update(json.dumps(numbers).encode())
    return f"sha256:{hashed.hexdigest()}"
