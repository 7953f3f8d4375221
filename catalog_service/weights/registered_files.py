"""Files that a checkpoint's entry says are served somewhere, fetched where the site allows it.

Users name these URLs, so none is asked that the site's list of hosts does not have, and none whose
file could not be told from another: the entry must have its sha256.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalog_service.blobs.store import BlobStore
from catalog_service.weights.copies import Copies, Copy
from catalog_service.weights.downloads.disk_room import naming_refusals
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.hosts import is_allowed, shown
from catalog_service.weights.locations.location import Miss, RemoteFile, RemoteFiles
from catalog_service.weights.progress import Progress, Tell
from catalog_service.weights.trail import Outcome, Remedy, Step, failure, hit
from catalog_service.weights.wanted_file import WantedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedFile:
    """What an entry says of its file.

    Attributes:
        reference: `checkpoints/letters`.
        urls: the best first.
        sha256: 64 hex digits, or empty where nobody says.
    """

    reference: str
    urls: tuple[str, ...]
    sha256: str


class RegisteredFiles:
    """Fetches the files of entries without bytes.

    Args:
        client: goes to `allowed_hosts` and nowhere else.
        allowed_hosts: `host`, `host:port` or `*.domain`; none: no URL is asked.
    """

    def __init__(
        self,
        *,
        copies: Copies,
        turns: Turns,
        store: BlobStore,
        client: HttpClient,
        allowed_hosts: tuple[str, ...],
        is_offline: bool,
    ) -> None:
        self._copies = copies
        self._turns = turns
        self._store = store
        self._client = client
        self._allowed_hosts = allowed_hosts
        self._is_offline = is_offline

    def look(self, served: ServedFile) -> tuple[Step, ...]:
        """Return what would become of each URL; none is asked."""
        return tuple(
            missed.step(_name(url)) if missed else _not_asked(url)
            for url in served.urls
            for missed in [self._missed(url, served)]
        )

    @contextmanager
    def fetched(
        self, served: ServedFile, remedies: tuple[Remedy, ...], tell: Tell
    ) -> Iterator[tuple[Copy, tuple[Step, ...]]]:
        """Yield the file, proven, and the trail; what was fetched goes with the block.

        Raises:
            WeightsUnavailable, WeightsUnreachable, EveryCopyCorrupt: with the trail.
            DiskFull, CacheReadOnly: there is nowhere to put it.
        """
        steps: list[Step] = []
        file = WantedFile(
            reference=served.reference,
            file_name=served.reference.replace("/", "-"),
            sha256=served.sha256,
        )
        for url in served.urls:
            missed = self._missed(url, served)
            if missed is None:
                taken = self._take(url, file, tell)
                if isinstance(taken, Copy):
                    try:
                        yield taken, (*steps, hit(_name(url), shown(url)))
                    finally:
                        self._copies.let_go(taken)
                    return
                missed = taken
            steps.append(missed.step(_name(url)))
            tell(Progress(step="resolving", text=str(steps[-1]), left=steps[-1]))
        raise failure(served.reference, steps, remedies)

    def _take(self, url: str, file: WantedFile, tell: Tell) -> Copy | Miss:
        remote = RemoteFile(location=_name(url), url=url, client=self._client)
        with naming_refusals(self._store.root):
            turn = self._turns.turn(file.reference, waiting=lambda one: tell(one.report()))
            with turn as mine:
                return self._copies.fetched(RemoteFiles(candidates=(remote,)), file, mine, tell)

    def _missed(self, url: str, served: ServedFile) -> Miss | None:
        """Return why a URL is not asked."""
        if not served.sha256:
            return Miss(
                detail="its file has no registered sha256, so nobody could tell it from another",
                outcome=Outcome.REFUSED,
                place=shown(url),
            )
        if not self._allowed_hosts or not is_allowed(url, first=url, allowed=self._allowed_hosts):
            return Miss(
                detail="its host is not in VERTEBRA_CATALOG_ALLOWED_HOSTS",
                outcome=Outcome.REFUSED,
                place=shown(url),
            )
        if self._is_offline:
            return Miss(detail="offline mode", outcome=Outcome.OFFLINE, place=shown(url))
        return None


def _name(url: str) -> str:
    return f"registered origin {shown(url)}"


def _not_asked(url: str) -> Step:
    return Step(location=_name(url), outcome=Outcome.NOT_ASKED, place=shown(url))
