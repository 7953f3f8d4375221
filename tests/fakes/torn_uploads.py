"""A real catalog behind networks that break while a client sends."""

import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.lying_services import UPLOAD, UPLOAD_DIGEST
from tests.fakes.tcp_proxy import Break, Fault, TcpProxy, tcp_proxy
from tests.services import running_catalog
from vertebra.catalog_client import CatalogClient

NUM_CUTS = 20
SEED = 31
LONGEST_BYTES = len(UPLOAD) // 2
"""No connection lets the upload through whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TornUploads:
    """Ways to one catalog: `proxy` breaks twenty times, `naive` always."""

    catalog: str
    proxy: TcpProxy
    naive: TcpProxy

    @property
    def addresses(self) -> dict[str, str]:
        """What tests in other languages are told."""
        return {"upload-torn": self.proxy.address, "upload-naive": self.naive.address}

    def is_stored(self) -> bool:
        """Return whether the catalog has the upload, by its own word."""
        with CatalogClient(self.catalog) as client:
            return client.blobs.stat(UPLOAD_DIGEST).size_bytes == len(UPLOAD)


def drawn_faults() -> list[Fault]:
    """Return cuts and resets at bytes drawn by seed: in the handshake, in headers, in messages."""
    drawn = random.Random(SEED)
    hows = (Break.CUT, Break.RESET)
    return [
        Fault(after_bytes=drawn.randint(1, LONGEST_BYTES), how=hows[number % 2], is_of_client=True)
        for number in range(NUM_CUTS)
    ]


@contextmanager
def torn_uploads(home: Path) -> Iterator[TornUploads]:
    """Serve a catalog behind both."""
    always = itertools.repeat(Fault(after_bytes=LONGEST_BYTES, is_of_client=True))
    with (
        running_catalog(home) as catalog,
        tcp_proxy(catalog.address, drawn_faults()) as proxy,
        tcp_proxy(catalog.address, always) as naive,
    ):
        yield TornUploads(catalog=catalog.address, proxy=proxy, naive=naive)
