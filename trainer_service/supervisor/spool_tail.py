"""Reads a worker's spool while it grows. A line without its line feed is not an event yet."""

from contextlib import suppress
from pathlib import Path

from catalog_service.models.plain_json import MalformedJson
from trainer_service.errors import SpoolGap
from trainer_service.jobs import LastWord, SpoolLine, parse_spool_line

MAX_BYTES = 1 << 20
"""Read at once, so that a long spool is stored in several transactions."""

RECENT_BYTES = 1 << 15
"""Of what was stored before, so much is read again: it shows how fast the worker is."""


class SpoolTail:
    """One attempt's spool, read from its start, or from behind what is stored already."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self.last_word: LastWord | None = None
        """What the worker said last, once it was read. Nothing is read after it."""

    def num_unread_bytes(self) -> int:
        """Return how much was said that nobody has read yet."""
        try:
            return max(0, self._path.stat().st_size - self._offset)
        except OSError:
            return 0

    def skip(self, num_lines: int) -> list[SpoolLine]:
        """Go on behind so many lines, which are not parsed; return the newest of them, as far as
        they are whole: a host that lost its power may have lost their end.
        """
        try:
            with self._path.open("rb") as file:
                while num_lines and (chunk := file.read(MAX_BYTES)):
                    num_whole = min(num_lines, chunk.count(b"\n"))
                    self._offset += _length(chunk, num_whole, is_all=num_whole < num_lines)
                    num_lines -= num_whole
                file.seek(max(0, self._offset - RECENT_BYTES))
                recent = file.read(self._offset - file.tell())
        except FileNotFoundError:
            return []
        begun = 0 if len(recent) == self._offset else recent.find(b"\n") + 1
        lines = []
        with suppress(SpoolGap):
            for text in recent[begun:].splitlines():
                lines.append(_parsed(text, self._path))
        return lines

    def read(self) -> list[SpoolLine]:
        """Return whole lines that were not returned yet; empty if there are none now.

        Raises:
            SpoolGap: the next whole line is not an event.
        """
        if self.last_word is not None:
            return []
        lines: list[SpoolLine] = []
        for text in self._whole_lines().splitlines(keepends=True):
            try:
                line = _parsed(text, self._path)
            except SpoolGap:
                if lines:
                    break  # what is before it counts; the next call says what is wrong
                raise
            self._offset += len(text)
            if isinstance(line.event, LastWord):
                self.last_word = line.event
                break
            lines.append(line)
        return lines

    def _whole_lines(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(MAX_BYTES)
                while b"\n" not in data and (more := file.read(MAX_BYTES)):
                    data += more
        except FileNotFoundError:
            return b""
        return data[: data.rfind(b"\n") + 1]


def _length(chunk: bytes, num_lines: int, *, is_all: bool) -> int:
    """Return how long the first lines of a chunk are; all of it where more lines are wanted."""
    if is_all:
        return len(chunk)
    return sum(len(line) + 1 for line in chunk.split(b"\n", num_lines)[:num_lines])


def _parsed(text: bytes, path: Path) -> SpoolLine:
    try:
        return parse_spool_line(text)
    except MalformedJson as error:
        raise SpoolGap(f"{path} has a line that is no event: {error}") from error
