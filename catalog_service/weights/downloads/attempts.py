"""When a download goes on, begins again or is over: a cut is no end, and a mixture is no file."""

import random
import time
from collections.abc import Callable

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.weights.downloads.journal import Continuation
from catalog_service.weights.downloads.part import Part
from catalog_service.weights.downloads.transfer import Transfer
from catalog_service.weights.http.failures import Nonsense, RangeRefused, Unreachable
from catalog_service.weights.wanted_file import WantedFile

MAX_CUTS = 4
"""Connections cut in a row without a byte that was not here before."""

PAUSE_S = 0.5
"""After the first cut; doubled after each further one."""


class Attempts:
    """All attempts to get one file from one server.

    Args:
        pause: waits between them.
    """

    def __init__(
        self,
        transfer: Transfer,
        part: Part,
        file: WantedFile,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transfer = transfer
        self._part = part
        self._file = file
        self._pause = pause
        self._num_cuts = 0
        self._furthest = part.size_bytes
        self._plan = Continuation(start=0)
        self._is_joined = False

    def whole(self) -> str:
        """Return the sha256 of the whole file, which is in the part then.

        Raises:
            HttpFailure: the server is of no use; what arrived is kept.
        """
        if (digest := self._finished_before()) is not None:
            return digest
        try:
            digest = self._uncut(self._continued())
        except (RangeRefused, Nonsense) as refusal:
            if self._plan.start == 0:
                raise
            return self._from_the_beginning(str(refusal))
        if self._is_joined and not self._has_pin(digest):
            return self._from_the_beginning("what was here does not fit what arrived")
        return digest

    def _continued(self) -> Continuation:
        plan = self._transfer.plan()
        if plan.why:
            self._transfer.say(f"from the beginning: {plan.why}")
        self._is_joined |= plan.start > 0
        return plan

    def _from_the_beginning(self, why: str) -> str:
        self._transfer.say(f"from the beginning: {why}")
        return self._uncut(Continuation(start=0))

    def _uncut(self, plan: Continuation) -> str:
        """Fetch to the end, over any number of connections that each bring something new."""
        while True:
            self._plan = plan
            try:
                return self._transfer.run(plan)
            except RangeRefused as refusal:
                if not self._is_all(refusal.total_bytes):
                    raise
                return self._digest()
            except Unreachable as failure:
                if failure.stage != "cut" or not self._may_go_on():
                    raise
                self._transfer.say(f"{failure.sentence}; trying again")
            plan = self._continued()

    def _is_all(self, total_bytes: int | None) -> bool:
        """Return whether what is here is all of it, as the server says now and said before."""
        known = self._part.journal.total_bytes
        return total_bytes == self._part.size_bytes and known in {0, total_bytes}

    def _may_go_on(self) -> bool:
        size_bytes = self._part.size_bytes
        self._num_cuts = 0 if size_bytes > self._furthest else self._num_cuts + 1
        self._furthest = max(self._furthest, size_bytes)
        if self._num_cuts >= MAX_CUTS:
            return False
        self._pause(PAUSE_S * 2**self._num_cuts * random.uniform(0.5, 1.0))
        return True

    def _finished_before(self) -> str | None:
        """Return the digest of a file that is here whole: its pin says so, no server need."""
        pin = self._file.sha256 or self._file.sha256_prefix
        if not pin or not 0 < self._part.size_bytes == self._part.journal.total_bytes:
            return None
        digest = self._digest()
        return digest if digest.startswith(pin) else None

    def _has_pin(self, digest: str) -> bool:
        return digest.startswith(self._part.journal.sha256 or self._file.sha256_prefix)

    def _digest(self) -> str:
        return sha256_of_file(self._part.path).removeprefix("sha256:")
