"""How long callers may go on with streams that they opened: until what they showed expires, and
while the access file lets them in.

Streams of answers end themselves, in order and with a cursor (`ending.py`). Where a caller sends
many messages nobody could tell it so in between: such a call is cut, with a status.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from catalog_service.errors import Unauthenticated
from catalog_service.serving.access import Access, AccessFile
from catalog_service.serving.call import Call
from catalog_service.serving.permissions import Permission, is_allowed, permission_table
from catalog_service.serving.principals import Principal

LOOK_S = 1.0
"""How often callers of open streams, and the access file, are looked at."""


class StayOver(Unauthenticated):
    """The caller sends on, and is not known any more, or not for this."""

    reason = "AUTH_EXPIRED"


class Stay:
    """How long the caller of one stream may go on."""

    def __init__(self) -> None:
        self.is_over = False
        self._reactions: list[Callable[[], None]] = []

    def end(self) -> None:
        """Tell everybody who listens, once."""
        if self.is_over:
            return
        self.is_over = True
        for react in tuple(self._reactions):
            react()

    @contextmanager
    def telling(self, react: Callable[[], None]) -> Iterator[None]:
        """Have `react` called when it is over, at once where it is, for the length of a block."""
        self._reactions.append(react)
        try:
            if self.is_over:
                react()
            yield
        finally:
            self._reactions.remove(react)


stay: ContextVar[Stay | None] = ContextVar("stay", default=None)
"""Of the stream that is being served; None where that has no end of its own."""


def stay_of_caller() -> Stay:
    """Return how long the caller of the stream that is being served may go on."""
    return stay.get() or Stay()


@dataclass(slots=True, kw_only=True, eq=False)
class _Open:
    """A stream that is open: who has it, and what it needs."""

    principal: Principal
    permission: Permission
    stay: Stay
    expires_at: float | None = None

    def compare(self, access: Access) -> None:
        """End the stay of a caller who would not be let in again."""
        known = access.again(self.principal)
        if known is None or not is_allowed(known.roles, self.permission):
            self.stay.end()
        else:
            self.expires_at = known.expires_at

    def expire(self, now: float) -> None:
        """End a stay whose time is over."""
        if self.expires_at is not None and self.expires_at <= now:
            self.stay.end()


class Stays:
    """The layer that ends streams. Nothing runs while none is open.

    Args:
        look_s: tests make it short.
    """

    def __init__(
        self,
        access: AccessFile,
        *,
        look_s: float = LOOK_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._access = access
        self._look_s = look_s
        self._clock = clock
        self._table = permission_table()
        self._open: set[_Open] = set()
        self._seen: Access | None = None
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Look after a stream for as long as it is open."""
        permission = self._table.get(call.method, Permission.OPEN)
        if not call.is_stream or permission is Permission.OPEN:
            yield
            return
        opened = _Open(principal=call.principal, permission=permission, stay=Stay())
        stay.set(opened.stay)
        opened.compare(self._access.now())
        opened.expire(self._clock())
        self._open.add(opened)
        self._look_later()
        async with AsyncExitStack() as stack:
            stack.callback(self._open.remove, opened)
            if call.has_many_requests:
                await stack.enter_async_context(_cut_when_over(call, opened.stay))
            yield

    def _look_later(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._look_s, self._look)

    def _look(self) -> None:
        self._timer = None
        access, now = self._access.now(), self._clock()
        is_new, self._seen = access is not self._seen, access
        for opened in tuple(self._open):
            if is_new:
                opened.compare(access)
            opened.expire(now)
        if self._open:
            self._look_later()


@asynccontextmanager
async def _cut_when_over(call: Call, here: Stay) -> AsyncIterator[None]:
    """Raise StayOver wherever the block is when its stay is over."""
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout(None)
    try:
        async with limit:
            with here.telling(lambda: limit.reschedule(loop.time())):
                yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise StayOver(
            f"what {call.principal.name} showed expired while {call.name} was under way, or the"
            " access file took it away; call again with what is valid now"
        ) from error
