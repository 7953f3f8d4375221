"""Whoever publishes weights, on loopback: torchvision's server and a hub, with synthetic files.

    with publishers(folder) as world:
        world.publish("mobilenet_v3_small")
        with running_catalog(home, **world.variables): ...
        print(world.named(text))  # with the real hosts' names in place of loopback addresses

The catalog gets an index of its own: real digests cannot be had for synthetic numbers.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.fake_hub import FakeHub
from tests.fakes.faulty_origin import FaultyOrigin, faulty_origin
from tests.fakes.published_weights import PublishedFile, PublishedFolder

TORCHVISION, HUB = "https://download.pytorch.org", "https://huggingface.co"
GATED = "facebook/dinov3-vits16-pretrain-lvd1689m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishers:
    """Two servers, and the index that names one of them."""

    torchvision: FaultyOrigin
    hub_origin: FaultyOrigin
    hub: FakeHub
    folder: PublishedFolder

    @property
    def variables(self) -> dict[str, str]:
        """Return the settings of a catalog that asks these and no others."""
        return {
            "VERTEBRA_CATALOG_INDEX": str(self.folder.index_path),
            "VERTEBRA_CATALOG_OFFLINE": "0",
            "HF_ENDPOINT": self.hub.url,
        }

    def publish(self, architecture: str) -> PublishedFile:
        """Publish an architecture's default weights at torchvision's; return what was written."""
        published = self.folder.write(architecture)
        data = published.path.read_bytes()
        self.torchvision.add(self.path(published.path), data)
        self._revise(published.reference, size_bytes=len(data))
        return published

    def path(self, file: Path) -> str:
        """Return the path of a published file in its URL."""
        return f"/models/{file.name}"

    def _revise(self, reference: str, *, size_bytes: int) -> None:
        """Have the index say how large a file is, and that all are at our server."""
        index = json.loads(self.folder.index_path.read_text())
        for row in index["weights"]:
            if row["reference"].startswith("torchvision/"):
                row["url"] = f"{self.torchvision.url}/models/{row['file_name']}"
            if row["reference"] == reference:
                row["size_bytes"] = size_bytes
        self.folder.index_path.write_text(json.dumps(index))

    def named(self, text: str) -> str:
        """Return text with the publishers' real names."""
        for url, name in ((self.torchvision.url, TORCHVISION), (self.hub.url, HUB)):
            text = text.replace(url, name)
        return text


@contextmanager
def publishers(folder: Path) -> Iterator[Publishers]:
    """Serve nothing but a gated repository, until `publish` and `hub.repository` add to it."""
    with faulty_origin() as torchvision, faulty_origin(name="localhost") as hub_origin:
        hub = FakeHub(hub_origin)
        hub.repository(GATED, {"config.json": b"{}", "model.safetensors": b"kept"}, gated=True)
        yield Publishers(
            torchvision=torchvision,
            hub_origin=hub_origin,
            hub=hub,
            folder=PublishedFolder(folder),
        )
