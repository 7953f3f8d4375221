"""Says which services answer: grpc.health.v1 with Check, Watch and List.

The empty name is liveness: it stays SERVING while the server shuts down, because a server that
drains must not be killed. Each service's own name is readiness: NOT_SERVING as soon as it drains.

No lock is held while a message is sent: a watcher that reads nothing delays neither a change of
status nor the other watchers nor the shutdown. (grpcio-health-checking 1.85 sends under a lock.)
"""

import asyncio
from collections.abc import AsyncIterator, Iterable

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from catalog_service.serving.call import Context

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]  # generated, untyped
    """The statuses, and the service that tells them.

    Args:
        services: full names; all start as NOT_SERVING.
    """

    def __init__(self, services: Iterable[str]) -> None:
        self._statuses = {"": SERVING, **dict.fromkeys(services, NOT_SERVING)}
        self._changed = asyncio.Event()

    def set_serving(self, *, is_serving: bool) -> None:
        """Change what every service but the empty name says, and wake the watchers."""
        status = SERVING if is_serving else NOT_SERVING
        self._statuses = {name: status if name else SERVING for name in self._statuses}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def Check(  # noqa: N802  # the contract's spelling
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """Return one status; NOT_FOUND for an unknown service, as the protocol wants."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"no service {request.service[:100]!r}; List returns all",
            )
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Yield a status, and again whenever it changes; an unknown service is SERVICE_UNKNOWN."""
        sent = None
        while True:
            changed = self._changed
            status = self._statuses.get(request.service, SERVICE_UNKNOWN)
            if status != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status
            else:
                await changed.wait()

    async def List(  # noqa: N802
        self, request: health_pb2.HealthListRequest, context: Context
    ) -> health_pb2.HealthListResponse:
        """Return all statuses."""
        return health_pb2.HealthListResponse(
            statuses={
                name: health_pb2.HealthCheckResponse(status=status)
                for name, status in self._statuses.items()
            }
        )
