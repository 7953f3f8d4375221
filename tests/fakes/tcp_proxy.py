"""A way to a server that breaks as networks do: cut, stalled, half open, slow, refused.

The n-th connection gets the n-th fault; later ones live. Bytes are those that the server sent, or
those that the client did where a fault says so: of an upload.
"""

import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum

PIECE_BYTES = 16 * 1024
POLL_S = 0.05


class Break(Enum):
    """What happens to a connection after so many bytes."""

    CUT = "both sides are closed"
    STALL = "nothing is forwarded any more, in either way, and nothing is closed"
    HALF_OPEN = "the server's side is closed, the client is not told"
    RESET = "the client gets a reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one connection."""

    after_bytes: int = 0
    how: Break = Break.CUT
    is_of_client: bool = False
    """Whose bytes are counted."""
    delay_s: float = 0.0
    """Every piece that is counted waits so long, before and after the break."""


HEALTHY = Fault(after_bytes=1 << 62)
"""Nothing is."""


def slow(delay_s: float) -> Fault:
    """Return a connection that never breaks but takes its time."""
    return Fault(after_bytes=1 << 62, delay_s=delay_s)


class TcpProxy:
    """Forwards TCP to `target`, which may change: a server may come back at another port."""

    def __init__(self, target: str, faults: Iterable[Fault]) -> None:
        self.target = target
        self._faults = iter(faults)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._has_ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.num_connections = 0
        self.num_broken = 0
        self.num_bytes = 0
        self.broken_at_s: list[float] = []

    def serve(self) -> None:
        """Accept until closed."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.num_connections += 1
                fault = next(self._faults, HEALTHY)
                thread = threading.Thread(target=self._connect, args=(client, fault), daemon=True)
                thread.start()
                self._threads.append(thread)

    def close(self) -> None:
        """Stop accepting and close every connection, also those that stand still."""
        self._has_ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)

    def _connect(self, client: socket.socket, fault: Fault) -> None:
        host, _, port = self.target.rpartition(":")
        with client:
            try:
                server = socket.create_connection((host, int(port)))
            except OSError:
                return
            with server:
                _Connection(self, client, server, fault).run(self._has_ended)

    def broke(self) -> None:
        """Count a break."""
        self.num_broken += 1
        self.broken_at_s.append(time.monotonic())


class _Connection:
    """Two sockets, and a thread for each way."""

    def __init__(
        self, proxy: TcpProxy, client: socket.socket, server: socket.socket, fault: Fault
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._fault = fault
        self._left = fault.after_bytes
        self._is_still = threading.Event()
        self._is_over = threading.Event()

    def run(self, has_ended: threading.Event) -> None:
        """Forward until one side is closed or the fault has come."""
        asking = threading.Thread(target=self._ask, daemon=True)
        asking.start()
        answering = threading.Thread(target=self._answer, daemon=True)
        answering.start()
        while not self._is_over.wait(POLL_S) and not has_ended.is_set():
            pass
        is_reset = self._fault.how is Break.RESET and self._left <= 0
        _shut(self._client, socket.SHUT_RD if is_reset else socket.SHUT_RDWR)
        _shut(self._server)
        asking.join(60)
        answering.join(60)

    def _ask(self) -> None:
        forward = self._count if self._fault.is_of_client else self._pass
        forward(self._client, self._server)

    def _answer(self) -> None:
        forward = self._pass if self._fault.is_of_client else self._count
        forward(self._server, self._client)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(PIECE_BYTES):
                if not self._is_still.is_set():
                    target.sendall(data)
        self._is_over.set()

    def _count(self, source: socket.socket, target: socket.socket) -> None:
        """Forward as many bytes as the fault lets through, and break."""
        with suppress(OSError):
            while self._left > 0:
                data = source.recv(min(PIECE_BYTES, self._left))
                if not data:
                    break
                if self._fault.delay_s:
                    time.sleep(self._fault.delay_s)
                target.sendall(data)
                self._left -= len(data)
                self._proxy.num_bytes += len(data)
        if self._left > 0:
            self._is_over.set()
            return
        self._proxy.broke()
        self._break()

    def _break(self) -> None:
        how = self._fault.how
        if how in (Break.STALL, Break.HALF_OPEN):
            self._is_still.set()
            if how is Break.HALF_OPEN:
                _shut(self._server)
            return
        if how is Break.RESET:
            # Closed without lingering; until then no FIN may go out.
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._is_over.set()


def _shut(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    with suppress(OSError):
        end.shutdown(how)


@contextmanager
def tcp_proxy(target: str, faults: Iterable[Fault] = ()) -> Iterator[TcpProxy]:
    """Run one."""
    proxy = TcpProxy(target, faults)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(60)
