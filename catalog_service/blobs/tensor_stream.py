"""Reads a planned file in chunks from any offset, without holding more than a few of them."""

import hashlib
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from catalog_service.blobs.chunk_stream import (
    Chunk,
    clamp_chunk_bytes,
    crc32c_of,
    open_for_reading,
    read_exactly,
)
from catalog_service.blobs.tensor_plan import Run, TensorPlan
from catalog_service.blobs.usage import LongUse
from catalog_service.errors import OutOfRange

Files = dict[Path, int]
"""Open blobs by their path."""

MAX_KNOWN_DIGESTS = 4096
"""Each is some 200 bytes; a file that was hashed once is not hashed again."""


class KnownDigests:
    """The sha256 of planned files by etag, those that were asked for last."""

    def __init__(self, max_digests: int = MAX_KNOWN_DIGESTS) -> None:
        self._digests: OrderedDict[str, str] = OrderedDict()
        self._max_digests = max_digests
        self._lock = Lock()

    def get(self, etag: str) -> str:
        """Return `sha256:<hex>`, or nothing where it is not known."""
        with self._lock:
            if etag in self._digests:
                self._digests.move_to_end(etag)
            return self._digests.get(etag, "")

    def put(self, etag: str, digest: str) -> None:
        """Remember one."""
        with self._lock:
            self._digests[etag] = digest
            self._digests.move_to_end(etag)
            if len(self._digests) > self._max_digests:
                self._digests.popitem(last=False)


class TensorStream:
    """One reading of a planned file. Every step may run in another thread, one at a time.

    Raises:
        OutOfRange: the offset is beyond the end.
    """

    def __init__(
        self, plan: TensorPlan, *, offset: int, chunk_bytes: int, known: KnownDigests
    ) -> None:
        if offset > plan.size_bytes:
            raise OutOfRange(
                f"offset {offset} is beyond the end: there are {plan.size_bytes} bytes",
                reason="OFFSET_BEYOND_END",
                metadata={"size_bytes": str(plan.size_bytes)},
            )
        self._plan = plan
        self._offset = offset
        self._chunk_bytes = clamp_chunk_bytes(chunk_bytes)
        self._known = known
        self.digest = known.get(plan.etag)
        """`sha256:<hex>` of the whole file, known when the last chunk was read."""

    def chunks(self) -> Generator[Chunk | None, None, None]:
        """Yield the bytes from the offset on, in order; None while what is before it is hashed.

        Raises:
            Corrupt: a blob became shorter meanwhile.
        """
        hashed = None if self.digest else hashlib.sha256()
        with _opened(self._plan.runs) as files:
            use = LongUse(files)
            for begin, end in self._spans(0, self._offset) if hashed else ():
                assert hashed is not None
                hashed.update(self._bytes(files, begin, end))
                yield None
            for begin, end in self._spans(self._offset, self._plan.size_bytes):
                use.goes_on()
                data = self._bytes(files, begin, end)
                if hashed is not None:
                    hashed.update(data)
                yield Chunk(offset=begin, data=data, crc32c=crc32c_of(data))
        if hashed is not None:
            self.digest = f"sha256:{hashed.hexdigest()}"
            self._known.put(self._plan.etag, self.digest)

    def _spans(self, begin: int, end: int) -> Iterator[tuple[int, int]]:
        for first in range(begin, end, self._chunk_bytes):
            yield first, min(first + self._chunk_bytes, end)

    def _bytes(self, files: Files, begin: int, end: int) -> bytes:
        """Return a stretch of the file, gathered from as many runs as it touches."""
        header, runs = self._plan.header, self._plan.runs
        pieces = [header[begin:end]] if begin < len(header) else []
        first = bisect_right(runs, begin, key=lambda run: run.end)
        for run in runs[first:]:
            if run.begin >= end:
                break
            pieces.append(_run_bytes(files, run, max(begin, run.begin), min(end, run.end)))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@contextmanager
def _opened(runs: Iterable[Run]) -> Iterator[Files]:
    """Hold every blob open while it is read: one that is put away meanwhile is read to its end."""
    files: Files = {}
    try:
        for path in {run.path for run in runs}:
            files[path] = open_for_reading(path)
        yield files
    finally:
        for descriptor in files.values():
            os.close(descriptor)


def _run_bytes(files: Files, run: Run, begin: int, end: int) -> bytes:
    """Return bytes `begin` up to `end` of the new file, all of one run."""
    descriptor = files[run.path]
    if run.cast is None:
        return read_exactly(descriptor, end - begin, run.source_begin + begin - run.begin)
    size = run.cast.target_bytes
    first = (begin - run.begin) // size
    last = -((run.begin - end) // size)
    data = read_exactly(
        descriptor,
        (last - first) * run.cast.source_bytes,
        run.source_begin + first * run.cast.source_bytes,
    )
    skipped = begin - run.begin - first * size
    return run.cast.convert(data)[skipped : skipped + end - begin]
