"""A server that misbehaves by script, and downloads of its files."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from catalog_service.weights.downloads.downloads import Downloaded, Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.progress import Progress
from catalog_service.weights.wanted_file import WantedFile
from tests.fakes.faulty_origin import faulty_origin

PATH = "/weights/resnet50.pth"
DATA = random.Random(5).randbytes(3_000_001)
SHA256 = hashlib.sha256(DATA).hexdigest()


@dataclass(slots=True)
class Site:
    """A folder of downloads, and what they told."""

    folder: Path
    url: str
    told: list[Progress] = field(default_factory=list)

    @property
    def downloads(self) -> Downloads:
        return Downloads(self.folder / "downloads", pause=lambda _: None)

    @property
    def texts(self) -> str:
        return "\n".join(report.text for report in self.told)

    def fetch(
        self,
        url: str = "",
        *,
        heartbeat_s: float = 5.0,
        stall_timeout_s: float = 60.0,
        **known: str,
    ) -> Downloaded:
        """Fetch in a turn of its own, as another process would."""
        policy = HttpPolicy(stall_timeout_s=stall_timeout_s, num_retries=1)
        file = WantedFile(reference="r", file_name="resnet50.pth", **known)  # type: ignore[arg-type]
        client = HttpClient(policy, sleep=lambda _: None)
        remote = RemoteFile(location="origin", url=url or self.url, client=client)
        turns = Turns(self.folder / "turns", heartbeat_s=heartbeat_s)
        with turns.turn("resnet50") as turn:
            return self.downloads.fetch(turn, file, remote, self.told.append)

    def left(self) -> list[int]:
        """Return the sizes of the parts on the disk."""
        return [path.stat().st_size for path in self.folder.rglob("*.part")]


@pytest.fixture
def origin():
    with faulty_origin() as server:
        server.add(PATH, DATA)
        yield server


@pytest.fixture
def site(tmp_path, origin):
    return Site(folder=tmp_path, url=origin.url + PATH)
