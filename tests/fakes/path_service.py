"""The real PathService on a server of its own, in a thread of this process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from catalog_service.serving.doors import Doors
from catalog_service.serving.listen import Listen
from catalog_service.serving.path_servicer import PathServicer, path_registration
from catalog_service.serving.server import ServerParts, start_server

START_TIMEOUT_S = 60


@contextmanager
def running_path_service(
    doors: Doors | None = None, *, port: int = 0, **options: int
) -> Iterator[str]:
    """Yield `host:port`.

    Args:
        doors: who gets in; None: everybody, in plain text.
        options: of the server, with underscores for dots, instead of ours.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    replaced = {name.replace("__", "."): one for name, one in options.items()}
    parts = ServerParts(options=replaced, doors=doors or Doors())
    registrations = [path_registration(PathServicer(parts.drain))]
    starting = start_server(Listen(host="127.0.0.1", port=port), registrations, parts=parts)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(START_TIMEOUT_S)
    try:
        yield server.address
    finally:
        asyncio.run_coroutine_threadsafe(server.drain_and_stop(), loop).result(START_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_TIMEOUT_S)
        loop.close()
