"""One file from one server into one part file: hashed behind the writer, told about, checked."""

from collections.abc import Callable
from dataclasses import replace

from catalog_service.weights.downloads.disk_room import ensure_room, naming_refusals
from catalog_service.weights.downloads.following_hash import FollowingHash
from catalog_service.weights.downloads.journal import (
    Continuation,
    Journal,
    continuation,
    digest_of_url,
)
from catalog_service.weights.downloads.meter import Meter
from catalog_service.weights.downloads.owner import this_process
from catalog_service.weights.downloads.part import Part
from catalog_service.weights.http.answers import is_strong
from catalog_service.weights.http.body import Body
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.failures import Nonsense, Unreachable
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.progress import Progress
from catalog_service.weights.wanted_file import WantedFile

PIECE_BYTES = 1 << 18

MORE_BYTES = 64 << 20
"""A file may be larger than published by this, and by as much as it has."""

Report = Callable[[Progress], None]


class Transfer:
    """Fills a part file.

    Args:
        part: our own; holds what was fetched before.
        report: takes progress, at most five times a second and for what is special.
        share: room that the file's conversion will need, in sizes of the file.
    """

    def __init__(
        self, part: Part, file: WantedFile, remote: RemoteFile, report: Report, *, share: float
    ) -> None:
        self._part = part
        self._file = file
        self._remote = remote
        self._report = report
        self._share = share
        self._realm = this_process().realm
        self._client: HttpClient = remote.client

    def plan(self) -> Continuation:
        """Return where this server's bytes go on."""
        journal, size = self._part.journal, self._part.size_bytes
        return continuation(journal, size, self._remote.url, self._file, self._realm)

    def run(self, plan: Continuation) -> str:
        """Fetch the rest; return the sha256 of the whole as 64 hex digits.

        Raises:
            Nonsense: what is here and what the server sends do not belong together.
            HttpFailure: the server is of no use.
            DiskFull: not enough room for the rest and its conversion.
        """
        with self._client.open(self._remote.url, start=plan.start, etag=plan.etag) as body:
            self._check(plan, body)
            self._make_room(body)
            rest_bytes = (body.total_bytes or body.start) - body.start
            with naming_refusals(self._part.path.parent, rest_bytes):
                return self._keep(body)

    def say(self, why: str) -> None:
        """Report something special."""
        text = f"{self._file.file_name}: {why}"
        self._report(Progress(step="downloading", text=text, location=self._remote.location))

    def _check(self, plan: Continuation, body: Body) -> None:
        """Bytes behind others must be of the same file, as far as anybody can tell."""
        self._check_amount(body.total_bytes or 0)
        if body.start == 0:
            if plan.start > 0:
                self.say("from the beginning: the server's file changed, or it knows no ranges")
            return
        known = self._part.journal.total_bytes
        if known and body.total_bytes and known != body.total_bytes:
            raise Nonsense(f"the server's file has {body.total_bytes} bytes, not {known}")
        if "" != body.sha256 != self._part.journal.sha256 != "":
            raise Nonsense("the server declares another sha256 than before")
        pin = self._file.sha256 or self._file.sha256_prefix or self._part.journal.sha256
        if plan.etag and not body.etag and not pin:
            raise Nonsense("the server no longer says which version it sends")

    def _check_amount(self, num_bytes: int) -> None:
        """A server that sends without end, or something else, does not get the whole disk."""
        limit = self._file.max_bytes
        if limit and num_bytes > limit:
            name = self._file.file_name
            raise Nonsense(f"the server sends {num_bytes} bytes and more; {name} may have {limit}")
        known = self._file.size_bytes or self._file.about_bytes
        if known and num_bytes > 2 * known + MORE_BYTES:
            raise Nonsense(
                f"the server sends {num_bytes} bytes and more; {self._file.file_name} has {known}"
            )

    def _make_room(self, body: Body) -> None:
        total = body.total_bytes or self._file.size_bytes or self._file.about_bytes
        if total:
            ensure_room(self._part.path.parent, total - body.start + int(total * self._share))

    def _journal(self, body: Body) -> Journal:
        before = self._part.journal if body.start else Journal()
        return replace(
            before,
            owner=self._part.journal.owner,
            realm=self._realm,
            url_digest=digest_of_url(self._remote.url),
            etag=body.etag if is_strong(body.etag) else "",
            total_bytes=body.total_bytes or before.total_bytes,
            sha256=self._file.sha256 or body.sha256 or before.sha256,
            declared_sha256=body.sha256,
            commit=body.commit,
        )

    def _keep(self, body: Body) -> str:
        self._part.open(body.start)
        try:
            self._part.record(self._journal(body))
            return self._fill(body)
        finally:
            self._part.close()

    def _fill(self, body: Body) -> str:
        done = body.start
        meter = Meter(done, body.total_bytes or 0)
        with FollowingHash(self._part.path) as follower:
            follower.advance(done)
            while data := body.read(PIECE_BYTES):
                self._part.append(data)
                done += len(data)
                self._check_amount(done)
                follower.advance(done)
                self._tell(meter, done, body.total_bytes or 0)
            self._check_end(done)
            return follower.digest()

    def _check_end(self, num_bytes: int) -> None:
        """A part without a total ends where it likes; an earlier answer may have said where."""
        known = self._part.journal.total_bytes
        why = f"the server's file ended at byte {num_bytes}, not at {known}"
        if num_bytes < known:
            raise Unreachable(why, stage="cut")
        if 0 < known < num_bytes:
            raise Nonsense(why)

    def _tell(self, meter: Meter, done: int, total: int) -> None:
        reading = meter.moved(done)
        if reading is None:
            return
        self._report(
            Progress(
                step="downloading",
                text=self._file.file_name,
                location=self._remote.location,
                bytes_done=done,
                bytes_total=total,
                bytes_per_s=reading.bytes_per_s,
                remaining_s=reading.remaining_s,
            )
        )
