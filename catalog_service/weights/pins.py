"""What is known about the bytes of published files beyond their names: full digests and sizes.

Pins that a site supplies are never changed here. The others are learnt: the first bytes of a name
that were trusted are noted with when and where from, and bind every later copy. They are one JSON
object a line, only ever appended, so processes need no lock and the first one to learn wins; who
takes a line out makes the catalog learn it anew.
"""

import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from catalog_service.weights.wanted_file import WantedFile

log = logging.getLogger(__name__)

SUPPLIED = "supplied"
FIRST_USE = "first_use"
PREFIX = "prefix"

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """The bytes that a file must have.

    Attributes:
        sha256: 64 hex digits.
        size_bytes: 0 where nobody said.
        origin: `supplied`; or learnt: `prefix` (the first bytes that had the published digits),
            `first_use` (the first bytes of that name, compared with nothing).
        noted_at, noted_from: of learnt ones, for people.
    """

    sha256: str
    size_bytes: int = 0
    origin: str = SUPPLIED
    noted_at: str = ""
    noted_from: str = ""

    @property
    def source(self) -> str:
        """Return where the pin comes from, as the end of a sentence."""
        if self.origin == SUPPLIED:
            return "in the pin file"
        return f"as first seen {self.noted_at} at {self.noted_from}"


class Pins:
    """Full digests by file. Safe to use from many threads and processes.

    Args:
        supplied: from `supplied_pins`; they win.
        learnt: the file that grows; None learns nothing.
    """

    def __init__(self, supplied: Mapping[str, Pin], learnt: Path | None) -> None:
        self._supplied = dict(supplied)
        self._path = learnt
        self._seen: tuple[list[int], dict[str, Pin]] = ([], {})

    def of(self, file: WantedFile) -> Pin | None:
        """Return the pin of a file."""
        key = pin_key(file)
        return self._supplied.get(key) or self._learnt().get(key)

    def completed(self, file: WantedFile) -> WantedFile:
        """Return the file with what its pin says of the digest and the size.

        What the source itself says is left as it is.
        """
        pin = self.of(file)
        if pin is None:
            return file
        return replace(
            file, sha256=file.sha256 or pin.sha256, size_bytes=file.size_bytes or pin.size_bytes
        )

    def learn(self, file: WantedFile, sha256: str, size_bytes: int, place: str) -> None:
        """Note the first trusted bytes of a file, unless all of its digest is known.

        Where the file cannot be written, that is logged: the next first use is trusted again.
        """
        if self._path is None or file.sha256 or self.of(file) is not None:
            return
        noted = {
            "sha256": sha256,
            "size_bytes": size_bytes,
            "origin": PREFIX if file.sha256_prefix else FIRST_USE,
            "noted_at": datetime.fromtimestamp(int(time.time()), UTC).isoformat(),
            "noted_from": without_secrets(place),
        }
        try:
            _append(self._path, json.dumps({pin_key(file): noted}))
        except OSError as error:
            log.warning("cannot note a pin in %s: %s", self._path, error.strerror)

    def _learnt(self) -> dict[str, Pin]:
        """Return what was learnt, by whichever process."""
        if self._path is None:
            return {}
        try:
            found = self._path.stat()
            stamp = [found.st_size, found.st_mtime_ns, found.st_ino]
            if stamp != self._seen[0]:
                text = self._path.read_text(encoding="utf-8", errors="replace")
                self._seen = (stamp, _first_of_each(_sound_lines(text)))
        except OSError:
            return {}
        return self._seen[1]


def supplied_pins(path: Path) -> dict[str, Pin]:
    """Return the pins of a site: `{"resnet18-f37072fd.pth": {"sha256": "...", "size_bytes": 1}}`.

    A file on the hub is written `owner/repository@revision/path`. A catalog's own `pins.json` can
    be supplied to another one.

    Raises:
        ValueError: not such a file; says where.
        OSError: it cannot be read.
    """
    text = path.read_text(encoding="utf-8").strip()
    decoder, position, found = json.JSONDecoder(), 0, []
    while position < len(text):
        document, position = decoder.raw_decode(text, position)
        position += len(text[position:]) - len(text[position:].lstrip())
        if not isinstance(document, dict):
            raise ValueError("a pin file is a JSON object: file name -> sha256 and size_bytes")
        pins = [(key, _pin(key, value)) for key, value in document.items()]
        found += [(key, replace(pin, origin=SUPPLIED)) for key, pin in pins]
    return _first_of_each(found)


def pin_key(file: WantedFile) -> str:
    """Return how a file is called in a pin file."""
    if file.repository:
        return f"{file.repository}@{file.revision}/{file.path}"
    return file.file_name


def without_secrets(place: str) -> str:
    """Return a path or URL without credentials, query and fragment."""
    if "://" not in place:
        return place
    parts = urlsplit(place)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def _first_of_each(pins: list[tuple[str, Pin]]) -> dict[str, Pin]:
    found: dict[str, Pin] = {}
    for key, pin in pins:
        found.setdefault(key, pin)
    return found


def _sound_lines(text: str) -> list[tuple[str, Pin]]:
    """Return the pins of every whole line; a torn one, after a power cut, was never relied on."""
    return [pin for line in text.splitlines() for pin in _pins_of_line(line)]


def _pins_of_line(line: str) -> Iterator[tuple[str, Pin]]:
    try:
        document = json.loads(line)
        if isinstance(document, dict):
            yield from [(key, _pin(key, value)) for key, value in document.items()]
    except (ValueError, RecursionError):
        return


def _pin(key: str, value: Any) -> Pin:
    """Return one entry. Raises ValueError."""
    entry = {"sha256": value} if isinstance(value, str) else value
    if not isinstance(entry, dict) or not _SHA256.fullmatch(str(entry.get("sha256", ""))):
        raise ValueError(f"{key[:100]!r} needs a sha256 of 64 lower-case hex digits")
    size_bytes = entry.get("size_bytes", 0)
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 0:
        raise ValueError(f"{key[:100]!r}: size_bytes is a number of bytes, not {size_bytes!r}")
    origin = entry.get("origin")
    return Pin(
        sha256=entry["sha256"],
        size_bytes=size_bytes,
        origin=PREFIX if origin == PREFIX else FIRST_USE,
        noted_at=str(entry.get("noted_at", "")),
        noted_from=str(entry.get("noted_from", "")),
    )


def _append(path: Path, line: str) -> None:
    """Add a line in one write; behind a torn one, on a line of its own."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size_bytes = os.fstat(descriptor).st_size
        is_torn = size_bytes > 0 and os.pread(descriptor, 1, size_bytes - 1) != b"\n"
        start = "\n" if is_torn else ""
        os.write(descriptor, f"{start}{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
