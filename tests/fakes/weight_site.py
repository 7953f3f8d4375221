"""A search over real locations on loopback, for a weight of a few bytes: no server, no torch."""

import hashlib
import io
import json
import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from catalog_service.blobs.records import Records
from catalog_service.blobs.store import BlobStore
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.weights.collection import Collection
from catalog_service.weights.copies import Copies
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.locations.location import Location
from catalog_service.weights.locations.store import Store
from catalog_service.weights.pins import Pins
from catalog_service.weights.progress import Progress
from catalog_service.weights.remedies import Remedies
from catalog_service.weights.search import Search
from catalog_service.weights.sharing import NoSharing, Sharing
from catalog_service.weights.verification import Verification


def safetensors_bytes(num_floats: int = 4096, name: str = "conv1.weight", fill: int = 0) -> bytes:
    """Return a small safetensors file."""
    header = {name: {"dtype": "F32", "shape": [num_floats], "data_offsets": [0, 4 * num_floats]}}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    numbers = b"".join(struct.pack("<f", (each + fill) % 97) for each in range(num_floats))
    return struct.pack("<Q", len(text)) + text + numbers


DATA = safetensors_bytes()
OTHER = safetensors_bytes(fill=1)
"""As long as DATA."""


def torchvision_weight(url: str = "", data: bytes = DATA) -> WeightEntry:
    """Return resnet18's default weight, as if `data` were its file."""
    entry = CatalogIndex.load().default_weight("resnet18")
    digits = hashlib.sha256(data).hexdigest()[:8]
    return replace(
        entry, url=url, file_name=f"resnet18-{digits}.pth", sha256_prefix=digits, size_bytes=0
    )


def dinov3_weight() -> WeightEntry:
    """Return the smallest gated weight of the hub."""
    return CatalogIndex.load().weight("facebook/dinov3-vits16-pretrain-lvd1689m")


def http_client(**rules: object) -> HttpClient:
    """Return a client that is not patient: pauses of tests cost time."""
    quick = {"num_retries": 0, "stall_timeout_s": 5.0, "connect_timeout_s": 5.0}
    return HttpClient(HttpPolicy(**{**quick, **rules}))  # type: ignore[arg-type]


class WeightSite:
    """A store, and a search over locations.

    Attributes:
        told: everything that was reported.
    """

    def __init__(
        self, home: Path, locations: Sequence[Location], sharing: Sharing | None = None
    ) -> None:
        self.home = home
        self.store = BlobStore(home / "blobs")
        self.told: list[Progress] = []
        pins = Pins({}, home / "pins.json")
        verification = Verification(Records(self.store.root, "hashed_files"), pins)
        self.downloads = Downloads(self.store.root / "downloads")
        copies = Copies(verification=verification, downloads=self.downloads, store=self.store)
        self.search = Search(
            locations=locations,
            own=Store(self.store, Records(self.store.root, "conversions")),
            store=self.store,
            collection=Collection(copies=copies, store=self.store, sharing=sharing or NoSharing()),
            turns=Turns(self.store.root / "turns"),
            remedies=Remedies(torch_hub_folder=str(home / "torch")),
        )

    def find(self, weight: WeightEntry) -> bytes:
        """Return the stored bytes of a weight."""
        found = self.search.find(weight, self.told.append)
        return self.store.path(found.source.blob_digest).read_bytes()

    def left_behind(self) -> list[Path]:
        """Return pieces of files below `downloads` and `staging`."""
        folders = [self.store.root / name for name in ("downloads", "staging")]
        return [path for folder in folders for path in folder.rglob("*.part")]


def pth_bytes() -> bytes:
    """Return DATA's numbers as torch writes them."""
    import torch

    file = io.BytesIO()
    torch.save({"conv1.weight": torch.arange(4096).remainder(97).float()}, file)
    return file.getvalue()
