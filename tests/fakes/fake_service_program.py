"""What `python -m catalog_service` and `python -m trainer_service` do for `vertebra up`.

It listens, writes its ready file, answers health checks and notes when it is asked to stop. Written
into a folder as both packages by `write_fake_services`.
"""

import inspect
import json
import os
import signal
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

SERVING = b"\x08\x01"
STOP_TIMEOUT_S = 10


def write_fake_services(folder: Path, *, broken: str = "") -> None:
    """Write the two packages; `broken` is the one that ends with a complaint."""
    source = inspect.getsource(sys.modules[__name__])
    for name in ("catalog_service", "trainer_service"):
        package = folder / name
        package.mkdir()
        (package / "__init__.py").touch()
        end = "sys.exit('the database is locked')" if name == broken else f"main({name!r})"
        (package / "__main__.py").write_text(f"{source}\n\n{end}\n")


def main(module: str) -> None:
    """Serve until SIGTERM."""
    prefix = "VERTEBRA_" + module.removesuffix("_service").upper()
    # Before gRPC's threads begin, so that the signal waits for `sigwait` alone.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    server = grpc.server(ThreadPoolExecutor(max_workers=2), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([_health()])
    host, _, port = os.environ[f"{prefix}_LISTEN"].rpartition(":")
    bound = server.add_insecure_port(f"{host}:{port}")
    server.start()
    note(module, "started")
    ready = {"address": f"{host}:{bound}", "admin_address": f"{host}:1", "pid": os.getpid()}
    Path(os.environ[f"{prefix}_READY_FILE"]).write_text(json.dumps(ready))
    signal.sigwait({signal.SIGTERM})
    server.stop(grace=0).wait(STOP_TIMEOUT_S)
    note(module, "stopped")


def note(module: str, what: str) -> None:
    """Append to the file that the test reads."""
    names = [name for name in sorted(os.environ) if name.startswith("VERTEBRA_")]
    line = {"module": module, "what": what, "pid": os.getpid(), **{n: os.environ[n] for n in names}}
    with Path("notes.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _health() -> Any:
    def check(request: bytes, context: grpc.ServicerContext) -> Iterable[bytes] | bytes:
        return SERVING

    handlers: dict[str, Any] = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)
