"""Every way in which a server can disappoint: steps of the trail, not errors of a call.

HttpFailure
├── NotThere        404, 410
├── HostRefused     our own list says no
├── Unreachable     no name, no connection, no TLS, no answer, or it stopped
├── Gated           the hub wants a token, or an accepted licence, or said no
├── ServerTrouble   429, 5xx and other refusals
├── Nonsense        an answer that is none: HTML, gzip, wrong range, endless redirects
└── RangeRefused    416
"""

from typing import ClassVar

from catalog_service.weights.trail import Outcome


class HttpFailure(Exception):
    """A server did not give what was asked for.

    Args:
        sentence: for people; without a token, a query or credentials.
        retry_after_s: what the server asked for, where it did.
        passes: whether it may be gone in a moment.
    """

    outcome: ClassVar[Outcome] = Outcome.SERVER_ERROR

    def __init__(
        self, sentence: str, *, retry_after_s: float | None = None, passes: bool = False
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.retry_after_s = retry_after_s
        self.passes = passes


class NotThere(HttpFailure):
    """The server has no such file."""

    outcome = Outcome.ABSENT


class HostRefused(HttpFailure):
    """A host that is not on the list of allowed ones; nothing was sent to it."""

    outcome = Outcome.REFUSED


class Unreachable(HttpFailure):
    """The server does not answer, or not to the end.

    Args:
        stage: `name`, `connect`, `tls`, `timeout` (no headers), `stall` (bytes stopped or drip) or
            `cut` (the connection ended early).
    """

    outcome = Outcome.UNREACHABLE

    def __init__(self, sentence: str, *, stage: str) -> None:
        super().__init__(sentence, passes=stage in {"connect", "cut"})
        self.stage = stage


class Gated(HttpFailure):
    """A hub knows who may have the file, and we are not among them.

    Args:
        gate: `NO_TOKEN`, `BAD_TOKEN`, `NOT_REQUESTED`, `PENDING`, `REJECTED`, or
            `UNKNOWN_REPOSITORY`: no such repository for strangers; it may be private.
        page: where a person can do something about it.
    """

    outcome = Outcome.GATED

    def __init__(self, sentence: str, *, gate: str, page: str) -> None:
        super().__init__(sentence)
        self.gate = gate
        self.page = page


class ServerTrouble(HttpFailure):
    """The server answers, and says that it cannot or will not.

    Args:
        status: the HTTP status.
    """

    def __init__(self, sentence: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(
            sentence, retry_after_s=retry_after_s, passes=status == 429 or status >= 500
        )
        self.status = status


class Nonsense(HttpFailure):
    """An answer that cannot be the file."""


class RangeRefused(HttpFailure):
    """The server has nothing from this byte on.

    Args:
        total_bytes: the file's size as the server says, or None. Equal to the byte asked for:
            what was read before is the whole file.
    """

    def __init__(self, sentence: str, *, total_bytes: int | None) -> None:
        super().__init__(sentence)
        self.total_bytes = total_bytes
