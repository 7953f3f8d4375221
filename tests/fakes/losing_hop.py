"""A hop on the way to a service that hands every call on and loses some of the answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc

Change = Callable[[bytes], bytes]


@dataclass(kw_only=True)
class LosingHop:
    """The first `num_lost` answers of every method are lost after the service has acted.

    Unary calls only. `attempts` has what Envoy says of each call: method and attempt number.
    """

    upstream: str
    num_lost: int = 0
    change: Change | None = None
    """Done to every request on the way."""
    attempts: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._channel = grpc.insecure_channel(self.upstream)

    def add_to(self, server: grpc.Server) -> None:
        """Take every method."""
        server.add_generic_rpc_handlers([_EveryMethod(self)])

    def close(self) -> None:
        """Close the way on."""
        self._channel.close()

    def hand_on(self, path: str, request: bytes, context: grpc.ServicerContext) -> Any:
        """Return the service's answer, or lose it."""
        method = path.rpartition("/")[2]
        told = dict(context.invocation_metadata())
        self.attempts.append((method, int(told.get("x-envoy-attempt-count", "1"))))
        call = self._channel.unary_unary(path)
        try:
            answer = call(self.change(request) if self.change else request, timeout=60)
        except grpc.RpcError as error:
            context.set_trailing_metadata(error.trailing_metadata())
            context.abort(error.code(), error.details())
        if len([one for one, _ in self.attempts if one == method]) <= self.num_lost:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer is lost")
        return answer


class _EveryMethod(grpc.GenericRpcHandler):
    def __init__(self, hop: LosingHop) -> None:
        self._hop = hop

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        """Return a handler of bytes."""
        path = details.method
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._hop.hand_on(path, request, context)
        )
