"""Getting one file from one location: found in place or fetched, and proven before anybody uses it.

Not for: which location comes next (`search`), and what becomes of the file (`conversion`).
"""

from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from catalog_service.weights.downloads.downloads import Downloaded, Downloads
from catalog_service.weights.downloads.turns import Turn
from catalog_service.weights.http.failures import Gated, HttpFailure, NotThere
from catalog_service.weights.http.hosts import shown
from catalog_service.weights.locations.location import ForeignFile, Miss, RemoteFile, RemoteFiles
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.trail import Outcome
from catalog_service.weights.verification import Proof, Refutation, Verification, stamp_of
from catalog_service.weights.wanted_file import WantedFile

UNKNOWN, NO_TOKEN = "UNKNOWN_REPOSITORY", "NO_TOKEN"
"""To strangers the hub says the same of what does not exist and of what is private or gated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A file that proved right.

    Attributes:
        place: where it was found, for people.
        stamp: of a foreign file, before it was hashed.
        downloaded: what to discard in the end; None for somebody else's file.
    """

    file: WantedFile
    path: Path
    proof: Proof
    place: str
    size_bytes: int
    stamp: tuple[int, ...] = ()
    downloaded: Downloaded | None = None

    @property
    def has_changed(self) -> bool:
        """Return whether somebody has changed a foreign file since it was hashed."""
        return bool(self.stamp) and tuple(stamp_of(self.path)) != self.stamp


class Copies:
    """Takes files from locations.

    Args:
        store: where wrong downloads are put away.
    """

    def __init__(
        self, *, verification: Verification, downloads: Downloads, store: BlobStore
    ) -> None:
        self._verification = verification
        self._downloads = downloads
        self._store = store

    def wanted(self, file: WantedFile) -> WantedFile:
        """Return a file with all that is known about its bytes."""
        return self._verification.completed(file)

    def expected_proof(self, file: WantedFile) -> str:
        """Return what right bytes will be proven by: `full`, `prefix`, `first_use` or nothing."""
        return self._verification.expected_proof(file)

    def known_wrong(self, path: Path, file: WantedFile) -> Miss | None:
        """Return why a file of this host is none, where that was found before; nothing is read."""
        found = self._verification.remembered(path, file)
        return _wrong(found, str(path), path.name) if isinstance(found, Refutation) else None

    def in_place(self, found: ForeignFile, file: WantedFile, tell: Tell) -> Copy | Miss:
        """Return a file of this host, read where it is and left as it is."""
        place = str(found.path)
        tell(Progress(step="verifying", text=f"{place}: comparing its sha256"))
        try:
            stamp = tuple(stamp_of(found.path))
            proof = self._verification.check(found.path, file)
        except OSError as error:
            return unreadable(place, error)
        if isinstance(proof, Refutation):
            return _wrong(proof, place, found.path.name)
        return Copy(
            file=file,
            path=found.path,
            proof=proof,
            place=place,
            size_bytes=stamp[0],
            stamp=stamp,
        )

    def fetched(self, remote: RemoteFiles, file: WantedFile, turn: Turn, tell: Tell) -> Copy | Miss:
        """Return a file from the first URL that has it.

        Raises:
            DiskFull, CacheReadOnly: there is nowhere to put it.
        """
        missed = None
        for candidate in remote.candidates:
            try:
                return self._fetch(candidate, file, turn, tell)
            except NotThere as failure:
                missed = missed or missing(candidate.url, failure, file)
            except HttpFailure as failure:
                return missing(candidate.url, failure, file)
        assert missed is not None, "a location with files names a URL"
        return missed

    def trust(self, copy: Copy) -> None:
        """Note that a file turned out usable: later copies must be the same."""
        self._verification.trust(copy.file, copy.proof, copy.size_bytes, copy.place)

    def let_go(self, copy: Copy) -> None:
        """Delete what was fetched; somebody else's file stays."""
        if copy.downloaded is not None:
            self._downloads.discard(copy.downloaded)

    def _fetch(self, remote: RemoteFile, file: WantedFile, turn: Turn, tell: Tell) -> Copy | Miss:
        downloaded = self._downloads.fetch(turn, file, remote, tell)
        place = shown(remote.url)
        proof = self._verification.judge(
            file,
            downloaded.sha256,
            downloaded.size_bytes,
            place,
            declared_sha256=downloaded.declared_sha256,
        )
        if isinstance(proof, Refutation):
            self._store.quarantine_file(downloaded.path, file.file_name, proof.detail)
            self._downloads.discard(downloaded)
            return _wrong(proof, place, file.file_name)
        return Copy(
            file=file,
            path=downloaded.path,
            proof=proof,
            place=place,
            size_bytes=downloaded.size_bytes,
            downloaded=downloaded,
        )


def _wrong(proof: Refutation, place: str, name: str) -> Miss:
    """Return why a copy is none; by its name, for the step names the location already."""
    detail = proof.detail.replace(place, name)
    return Miss(detail=detail, outcome=Outcome.WRONG_DIGEST, place=place)


def missing(url: str, failure: HttpFailure, file: WantedFile) -> Miss:
    """Return why a server did not give a file."""
    if isinstance(failure, Gated):
        return _gated(url, failure, file)
    return Miss(
        detail=failure.sentence,
        outcome=failure.outcome,
        place=shown(url),
        retry_after_s=failure.retry_after_s,
    )


def _gated(url: str, failure: Gated, file: WantedFile) -> Miss:
    """Return a gate; one behind which nobody knows whether there is anything counts as absent."""
    is_unknown = failure.gate == UNKNOWN
    if is_unknown and not file.is_gated:
        return Miss(detail=failure.sentence, place=shown(url))
    return Miss(
        detail=failure.sentence,
        outcome=failure.outcome,
        place=shown(url),
        gate=NO_TOKEN if is_unknown else failure.gate,
        page=failure.page,
    )


def unreadable(place: str, error: OSError) -> Miss:
    """Return why a file of this host cannot be read."""
    return Miss(detail=f"{place}: {error.strerror}", outcome=Outcome.UNREADABLE, place=place)
