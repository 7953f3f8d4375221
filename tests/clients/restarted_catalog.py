"""A real catalog that programs in any language can have killed and brought back.

A program connects to the doorbell and sends a line: `leave` is answered when the catalog is gone,
`return` before it is started again: from then on whoever waits is waited for.
"""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catalog_service.blobs.store import BlobStore
from tests.robustness.service_that_returns import ReturningService, returning
from tests.services import START_TIMEOUT_S

BLOB_BYTES = 3_000_000


@contextmanager
def restarted_catalog(home: Path) -> Iterator[dict[str, str]]:
    """Yield what a program needs to know: `returning`, `doorbell` and the `digest` of a blob."""
    home.mkdir()
    (home / "file").write_bytes(random.randbytes(BLOB_BYTES))
    digest = BlobStore(home / "blobs").adopt_file(home / "file").digest
    offline = {"VERTEBRA_CATALOG_OFFLINE": "1", "VERTEBRA_CATALOG_SHARE_PATHS": "false"}
    with (
        returning("catalog_service", home, **offline) as service,
        _doorbell(service) as doorbell,
    ):
        yield {"returning": service.address, "doorbell": doorbell, "digest": digest}


@contextmanager
def _doorbell(service: ReturningService) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer, args=(listener, service))
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(START_TIMEOUT_S)


def _answer(listener: socket.socket, service: ReturningService) -> None:
    """Do what callers ask for, one after the other, until the listener is shut down."""
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rw") as lines:
                word = lines.readline().strip()
                if word == "leave":
                    service.service.kill()
                lines.write("done\n")
                lines.flush()
            if word == "return":
                service.start()
