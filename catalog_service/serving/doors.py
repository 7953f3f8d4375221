"""The doors of a server: who is let in, to what, and how much at once. Layers around every call.

Without an access file everybody may do everything, and the server says so in its log: that is for
one machine, and for meshes that check callers themselves.
"""

import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from catalog_service.errors import Denied, Exhausted
from catalog_service.serving.access import AccessFile, CallerRow
from catalog_service.serving.call import Call, Layer
from catalog_service.serving.certificates import Certificates
from catalog_service.serving.identity import Identity, Shown
from catalog_service.serving.limits import Pool
from catalog_service.serving.listen import Listen
from catalog_service.serving.peers import is_on_this_host
from catalog_service.serving.permissions import (
    Permission,
    is_allowed,
    permission_table,
    roles_with,
)
from catalog_service.serving.principals import ANONYMOUS, caller
from catalog_service.serving.stays import LOOK_S, Stays

log = logging.getLogger(__name__)

REFLECTION_PREFIX = "/grpc.reflection."

BUSY_S = 1.0
"""When to come back where all of a caller's calls are taken."""

MAX_REMEMBERED = 10_000
"""Callers whose use is remembered; an issuer may name any number of subjects."""


class RoleMissing(Denied):
    """The caller is known and may not do this."""

    reason = "ROLE_MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How callers get in. As it is made here: in plain text, everybody to everything."""

    certificates: Certificates | None = None
    """None: plain text."""
    access: AccessFile | None = None
    identity: Identity | None = None
    """With `access`, and only with it."""
    look_s: float = LOOK_S
    """How soon open streams follow a change of the access file; tests make it short."""

    def layers(self) -> Sequence[Layer]:
        """Return what is around every call, the outermost first."""
        if self.access is None or self.identity is None:
            return [LocalReflection()]
        return [
            Authentication(self.identity),
            Authorization(),
            FairShare(self.access),
            Stays(self.access, look_s=self.look_s),
        ]

    def num_refused_files(self) -> int:
        """Return how many files are not what counts: the last good ones do, and the log has why."""
        if self.access is not None:
            self.access.now()
        files = (self.access, self.certificates)
        return sum(file is not None and not file.is_taken for file in files)

    def certificate_life(self) -> tuple[float, float]:
        """Return from when and until when the server's certificate is good; zeros without one."""
        return self.certificates.life() if self.certificates is not None else (0.0, 0.0)

    def worries(self, listen: Listen) -> Sequence[str]:
        """Return what somebody who starts a server there should know; usually nothing."""
        if listen.is_loopback:
            return ()
        told = []
        if self.certificates is None:
            told.append(f"callers of {listen} are answered in plain text: a mesh should encrypt")
        if self.access is None:
            told.append(f"whoever reaches {listen} may do everything: there is no access file")
        return told


class LocalReflection:
    """Where nobody is asked who they are: shows the contract to callers on this host alone."""

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Refuse reflection from elsewhere."""
        if call.method.startswith(REFLECTION_PREFIX) and not is_on_this_host(call.context.peer()):
            raise RoleMissing(
                "reflection is for callers on the server's own host, unless an access file gives"
                " them 'diagnose'; the contract is in the folder protos of vertebra"
            )
        yield


class Authentication:
    """Finds out who calls, before anything of the request is read."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Note who calls; health is open to nobody in particular."""
        if _is_open(call):
            yield
            return
        context = call.context
        call.principal = await self._identity.of(
            Shown(
                certificate=_certificate(context.auth_context()),
                headers=tuple(context.invocation_metadata() or ()),
            )
        )
        caller.set(call.principal)
        yield


class Authorization:
    """Compares what the rpc needs with what the caller's roles allow; no row, no entry."""

    def __init__(self) -> None:
        self._table = permission_table()

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Let in, or refuse with what would be right."""
        permission = self._table.get(call.method)
        if permission is None:
            raise RoleMissing(f"{call.name} is nobody's: no row says what it needs")
        if not is_allowed(call.principal.roles, permission):
            raise _refusal(call, permission)
        yield


class FairShare:
    """Keeps one caller from taking what others need, as its row of the access file says."""

    def __init__(
        self,
        access: AccessFile,
        *,
        max_remembered: int = MAX_REMEMBERED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._access = access
        self._max_remembered = max_remembered
        self._clock = clock
        self._uses: dict[str, _Use] = {}

    @asynccontextmanager
    async def around(self, call: Call) -> AsyncIterator[None]:
        """Count the call in and out; over a limit it is refused with a time to come back."""
        row = None if _is_open(call) else self._access.now().row_of(call.principal.name)
        if row is None or (row.calls_at_once is None and row.calls_per_second is None):
            yield
            return
        use = self._use(call.principal.name)
        self._take(use, row, call.principal.name)
        use.num_inside += 1
        try:
            yield
        finally:
            use.num_inside -= 1

    def _use(self, name: str) -> "_Use":
        """Return a caller's use, the last of all; who has not called for longest is forgotten."""
        use = self._uses.pop(name, None) or _Use(asked_at=self._clock())
        if len(self._uses) >= self._max_remembered:
            idle = next((one for one, each in self._uses.items() if not each.num_inside), None)
            if idle is not None:
                del self._uses[idle]
        self._uses[name] = use
        return use

    def _take(self, use: "_Use", row: CallerRow, name: str) -> None:
        if row.calls_at_once is not None and use.num_inside >= row.calls_at_once:
            raise _busy(f"{name} has {use.num_inside} calls here, the most at once", BUSY_S)
        rate = row.calls_per_second
        if rate is None:
            return
        wait_s = use.take(rate, self._clock())
        if wait_s > 0:
            raise _busy(f"{name} may make {rate:g} calls a second", wait_s)


@dataclass(slots=True)
class _Use:
    """What a caller takes: calls inside, and a bucket that fills with one second's calls."""

    asked_at: float
    num_inside: int = 0
    num_left: float = field(default=math.inf)

    def take(self, rate: float, now: float) -> float:
        """Take one call; return 0, or the seconds until there is one to take."""
        most = max(1.0, rate)
        self.num_left = min(most, self.num_left + (now - self.asked_at) * rate)
        self.asked_at = now
        if self.num_left < 1:
            return (1 - self.num_left) / rate
        self.num_left -= 1
        return 0.0


def _is_open(call: Call) -> bool:
    return call.pool is Pool.EXEMPT and not call.method.startswith(REFLECTION_PREFIX)


def _certificate(context: object) -> dict[str, list[bytes]]:
    """Return gRPC's auth context; its names are text or bytes, as the version has it."""
    assert isinstance(context, dict)
    return {
        key.decode() if isinstance(key, bytes) else key: list(values)
        for key, values in context.items()
    }


def _busy(what: str, wait_s: float) -> Exhausted:
    return Exhausted(
        f"{what}; call again in {wait_s:.2g} s", reason="CALLER_BUSY", retry_after_s=wait_s
    )


def _refusal(call: Call, permission: Permission) -> RoleMissing:
    who = call.principal
    has = ", ".join(sorted(role.value for role in who.roles)) or "no role"
    would_do = " or ".join(role.value for role in roles_with(permission))
    what = "show who you are, or " if who.name == ANONYMOUS else ""
    return RoleMissing(
        f"{who.name} has {has}; {call.name} needs {would_do}: {what}ask whoever keeps the access"
        " file of this server",
        metadata={"rpc": call.name, "principal": who.name, "permission": permission.value},
    )
