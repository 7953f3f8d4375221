"""Puts the layers around every call, and turns bytes into messages inside of them.

gRPC would decode a request before any of our code runs, answer an undecodable one with INTERNAL,
and decode one that is refused anyway. So handlers are registered without (de)serialisers here:
bytes come in, the layers are entered, then the message is decoded; those of a stream one by one.
"""

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any, TypeAlias, cast

import grpc

from catalog_service.errors import InvalidRequest
from catalog_service.serving.call import Call, Context, Layers
from catalog_service.serving.limits import pool_of
from catalog_service.serving.patience import Patience
from catalog_service.serving.stream_ends import end_in, listen_for_end

Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
MaybeHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any] | None"
Decode = Callable[[bytes], Any]
Encode = Callable[[Any], bytes]


class SlowReader(Exception):
    """The caller took no message for too long; nothing more can be sent, not even a status."""


class LayeredCalls(grpc.aio.ServerInterceptor):
    """The one interceptor of a server.

    Args:
        layers: around every call, health and reflection included.
        max_write_s: a reader that takes no message for this long is given up.
    """

    def __init__(self, layers: Layers, *, max_write_s: float) -> None:
        self._layers = layers
        self._max_write_s = max_write_s

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        """Return the handler of a method, with the layers around it; None where there is none."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return handler
        metadata = dict(handler_call_details.invocation_metadata or ())

        def call_for(context: Context) -> Call:
            is_stream = bool(handler.request_streaming or handler.response_streaming)
            method = handler_call_details.method
            return Call(
                method=method,
                is_stream=is_stream,
                has_many_requests=bool(handler.request_streaming),
                pool=pool_of(method, is_stream=is_stream),
                metadata=metadata,
                context=context,
            )

        return _Wrapped(handler, self._layers, call_for, self._max_write_s).as_handler()


class _Wrapped:
    """A handler from bytes to bytes around one from message to message."""

    def __init__(
        self,
        handler: Handler,
        layers: Layers,
        call_for: Callable[[Context], Call],
        max_write_s: float,
    ) -> None:
        self._handler = handler
        self._layers = layers
        self._call_for = call_for
        self._max_write_s = max_write_s
        self._decode: Decode = handler.request_deserializer or _identity
        self._encode: Encode = handler.response_serializer or _identity

    def as_handler(self) -> Handler:
        """Return what is registered with gRPC instead of the handler."""
        handler = self._handler
        serve = self._serve_stream if handler.response_streaming else self._serve_one
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(cast(Any, serve))
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(cast(Any, serve))
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(cast(Any, serve))
        return grpc.unary_unary_rpc_method_handler(cast(Any, serve))

    async def _serve_one(self, request: Any, context: Context) -> bytes:
        behaviour = self._handler.stream_unary or self._handler.unary_unary
        call = self._call_for(context)
        call.uploads = request if self._handler.request_streaming else None
        async with AsyncExitStack() as stack:
            await self._layers.enter(call, stack)
            response = await cast(Any, behaviour)(self._decoded(request, call), context)
            encoded = self._encode(response)
            call.num_sent_bytes += len(encoded)
        return encoded

    async def _serve_stream(self, request: Any, context: Context) -> None:
        """Send every response itself, so that the handler is closed at once when the call ends."""
        behaviour = cast(Any, self._handler.stream_stream or self._handler.unary_stream)
        call = self._call_for(context)
        async with AsyncExitStack() as stack:
            await self._layers.enter(call, stack)
            responses = behaviour(self._decoded(request, call), context)
            assert inspect.isasyncgen(responses), f"{call.method} is not an async generator"
            limit = Patience(self._max_write_s)
            stack.callback(limit.stop)
            said, message = listen_for_end(), None
            async with aclosing(cast(AsyncGenerator[Any, None], responses)) as messages:
                async for message in messages:
                    await self._send(self._encode(message), call, limit)
            call.stream_end = said[0] if said else end_in(message)

    async def _send(self, encoded: bytes, call: Call, limit: Patience) -> None:
        try:
            with limit:
                await call.context.write(encoded)
        except TimeoutError as error:
            raise SlowReader(call.name) from error
        except Exception as error:  # gRPC has no other reason, and no public name for it
            raise asyncio.CancelledError(f"{call.name}: the caller is gone") from error
        call.num_sent_bytes += len(encoded)

    def _decoded(self, request: Any, call: Call) -> Any:
        if self._handler.request_streaming:
            return self._decoded_stream(request, call)
        return self._message(request, call)

    async def _decoded_stream(self, requests: AsyncIterator[bytes], call: Call) -> Any:
        async for request in requests:
            yield self._message(request, call)
        if not self._handler.response_streaming:
            await _confirm_that_the_caller_ended(call)

    def _message(self, encoded: bytes, call: Call) -> Any:
        call.num_received_bytes += len(encoded)
        try:
            return self._decode(encoded)
        except Exception as error:
            raise InvalidRequest(
                f"the request of {call.name} is not a valid message: its bytes cannot be decoded",
                reason="REQUEST_UNDECODABLE",
            ) from error


async def _confirm_that_the_caller_ended(call: Call) -> None:
    """Raise CancelledError when the requests ended because the caller is gone.

    gRPC ends the iterator in both cases and cancels the handler a moment later: long enough to
    store half an upload as a whole one. Nothing can be sent to a caller that is gone, though.
    """
    try:
        await call.context.send_initial_metadata(())
    except Exception as error:
        raise asyncio.CancelledError(f"{call.name}: the caller is gone") from error


def _identity(message: Any) -> Any:
    return message
