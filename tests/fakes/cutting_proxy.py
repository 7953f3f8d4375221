"""A way to a server that breaks: connections are cut after so many bytes from the server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE_BYTES = 16 * 1024


class CuttingProxy:
    """Forwards TCP to `address`; the n-th connection is cut after the n-th of `cuts` bytes.

    Later connections live. `num_bytes` counts what the server's side sent through.
    """

    def __init__(self, address: str, cuts: list[int]) -> None:
        host, _, port = address.rpartition(":")
        self._target = (host, int(port))
        self._cuts = list(cuts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self.num_bytes = 0
        self.num_cut = 0

    def serve(self) -> None:
        """Accept until closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                limit = self._cuts.pop(0) if self._cuts else None
                thread = threading.Thread(target=self._connect, args=(client, limit))
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Stop accepting."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _connect(self, client: socket.socket, limit: int | None) -> None:
        with client, socket.create_connection(self._target) as server:
            asking = threading.Thread(target=self._forward, args=(client, server, None))
            asking.start()
            self._forward(server, client, limit)
            asking.join()

    def _forward(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        left = limit
        is_answer = source.getpeername() == self._target
        with suppress(OSError):
            while left is None or left > 0:
                data = source.recv(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
                if not data:
                    break
                target.sendall(data)
                left = None if left is None else left - len(data)
                self.num_bytes += len(data) if is_answer else 0
        self.num_cut += left == 0
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(address: str, cuts: list[int]) -> Iterator[CuttingProxy]:
    """Run one."""
    proxy = CuttingProxy(address, cuts)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
