"""A service with one method of each of gRPC's four kinds, whose behaviour a test chooses."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from catalog_service.serving.limits import Limits
from catalog_service.serving.listen import Listen
from catalog_service.serving.server import Registration, RunningServer, ServerParts, start_server

NAME = "vertebra.test.v1.EchoService"
LOOPBACK = Listen(host="127.0.0.1", port=0)
KINDS = ("UnaryUnary", "UnaryStream", "StreamUnary", "StreamStream")

Behaviour = Callable[[str], Awaitable[str]]
"""Gets every request text; what it returns is sent back."""


async def echo(text: str) -> str:
    """Return what came."""
    return text


class EchoServicer:
    """Applies one behaviour to every request of every kind of call."""

    def __init__(self, behaviour: Behaviour = echo) -> None:
        self.behaviour = behaviour
        self.num_closed = 0

    async def UnaryUnary(self, request: StringValue, context: Any) -> StringValue:  # noqa: N802
        return StringValue(value=await self.behaviour(request.value))

    async def UnaryStream(self, request: StringValue, context: Any) -> AsyncIterator[StringValue]:  # noqa: N802
        try:
            for _ in range(3):
                yield StringValue(value=await self.behaviour(request.value))
        finally:
            self.num_closed += 1

    async def StreamUnary(self, requests: AsyncIterator[StringValue], context: Any) -> StringValue:  # noqa: N802
        texts = [await self.behaviour(request.value) async for request in requests]
        return StringValue(value="".join(texts))

    async def StreamStream(  # noqa: N802
        self, requests: AsyncIterator[StringValue], context: Any
    ) -> AsyncIterator[StringValue]:
        async for request in requests:
            yield StringValue(value=await self.behaviour(request.value))


def add_echo(servicer: EchoServicer, server: grpc.aio.Server) -> None:
    """Register the service as generated code does."""
    coding = {
        "request_deserializer": StringValue.FromString,
        "response_serializer": StringValue.SerializeToString,
    }
    handlers = {
        "UnaryUnary": grpc.unary_unary_rpc_method_handler(servicer.UnaryUnary, **coding),
        "UnaryStream": grpc.unary_stream_rpc_method_handler(servicer.UnaryStream, **coding),
        "StreamUnary": grpc.stream_unary_rpc_method_handler(servicer.StreamUnary, **coding),
        "StreamStream": grpc.stream_stream_rpc_method_handler(servicer.StreamStream, **coding),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(NAME, handlers),))


def echo_registration(servicer: EchoServicer) -> Registration:
    return Registration(add=add_echo, servicer=servicer, full_name=NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A running server and a channel to it."""

    server: RunningServer
    servicer: EchoServicer
    channel: grpc.aio.Channel
    parts: ServerParts

    async def call(self, kind: str, *texts: str, **options: Any) -> list[str]:
        """Call a method of any kind with text messages; return the texts that came back."""
        raw = [StringValue(value=text).SerializeToString() for text in texts]
        return [StringValue.FromString(m).value for m in await self.call_raw(kind, *raw, **options)]

    async def call_raw(self, kind: str, *requests: bytes, **options: Any) -> list[bytes]:
        """Call a method of any kind with bytes."""
        call = self.start(kind, *requests, **options)
        if kind.endswith("Unary"):
            return [await call]
        return [message async for message in call]

    def start(self, kind: str, *requests: bytes, **options: Any) -> Any:
        """Return the started call."""
        method = f"/{NAME}/{kind}"
        if kind == "UnaryUnary":
            return self.channel.unary_unary(method)(requests[0], **options)
        if kind == "UnaryStream":
            return self.channel.unary_stream(method)(requests[0], **options)
        if kind == "StreamUnary":
            return self.channel.stream_unary(method)(_each(requests), **options)
        return self.channel.stream_stream(method)(_each(requests), **options)


async def _each(requests: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


@asynccontextmanager
async def echo_server(
    behaviour: Behaviour = echo, *, limits: Limits | None = None, parts: ServerParts | None = None
) -> AsyncIterator[Echo]:
    """Run a server on a free port with the echo service, and a channel to it."""
    parts = parts or ServerParts()
    servicer = EchoServicer(behaviour)
    registrations = [echo_registration(servicer)]
    server = await start_server(LOOPBACK, registrations, limits=limits, parts=parts)
    try:
        async with grpc.aio.insecure_channel(server.address) as channel:
            yield Echo(server=server, servicer=servicer, channel=channel, parts=parts)
    finally:
        await server.drain_and_stop()
