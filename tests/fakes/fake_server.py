"""Real gRPC servers in this process, for servicers that are not the real ones."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NoReturn

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

Add = Callable[[grpc.Server], None]


@contextmanager
def running_server(*adds: Add, address: str = "127.0.0.1:0") -> Iterator[str]:
    """Yield `127.0.0.1:<port>` of a server with these servicers."""
    server = grpc.server(ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 0)])
    for add in adds:
        add(server)
    port = server.add_insecure_port(address)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=0).wait()


def refuse(
    context: grpc.ServicerContext,
    code: grpc.StatusCode,
    reason: str,
    message: str,
    violations: tuple[tuple[str, str], ...] = (),
    *,
    retry_after_s: float | None = None,
    metadata: Mapping[str, str] | None = None,
) -> NoReturn:
    """End the call as the services do: with ErrorInfo, BadRequest and RetryInfo in the trailer."""
    details = [any_pb2.Any(), any_pb2.Any()]
    info = error_details_pb2.ErrorInfo(reason=reason, domain="vertebra", metadata=metadata)
    details[0].Pack(info)
    details[1].Pack(
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
                for field, description in violations
            ]
        )
    )
    if retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(retry_after_s * 1000))
        details.append(any_pb2.Any())
        details[-1].Pack(retry)
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=message, details=details)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, message)
