"""A published file of 102 MB (a ResNet-50) and one of 346 MB from a web server to the disk, hashed
and compared, beside curl and sha256sum.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.wanted_file import WantedFile
from tests.benchmarks.peers import NGINX, nginx
from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns

METRICS = (
    Metric(name="mb_per_s", title="MB/s", more_is_better=True),
    Metric(name="cpu_s_per_gb", title="CPU s/GB, without the server"),
)

WEB = "nginx" if NGINX else "http.server (no nginx here)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_bytes: tuple[int, ...]
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return ours beside curl, by size of the file."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "served").mkdir()
        with nginx(folder / "served") as web:
            for num_bytes in size.num_bytes:
                served = folder / "served" / f"{num_bytes}.pth"
                _write_random(served, num_bytes)
                url = f"http://{web.address}/{served.name}"
                ours, *peers = _ways(url, served, folder)
                samples = take_turns([ours, *peers], size.num_rounds)
                for peer in peers:
                    rows += compare("fetch", ours, peer, METRICS, samples)
                served.unlink()
    return rows


def _write_random(path: Path, num_bytes: int) -> None:
    with path.open("wb") as file:
        for begin in range(0, num_bytes, 1 << 24):
            file.write(os.urandom(min(1 << 24, num_bytes - begin)))


def _ways(url: str, served: Path, folder: Path) -> list[Way]:
    digest = sha256_of_file(served).removeprefix("sha256:")
    megabytes = f"{served.stat().st_size / 1e6:,.0f} MB"
    target = folder / "arrived"
    curl = ["curl", "-s", "-f", "-o", str(target), url]
    sums = ["sha256sum", "--check", "--status", "-"]
    openssl = ["openssl", "dgst", "-sha256", "-r", str(target)]

    def by_curl() -> None:
        subprocess.run(curl, check=True)
        subprocess.run(sums, check=True, input=f"{digest}  {target}", text=True)

    def by_openssl() -> None:
        subprocess.run(curl, check=True)
        done = subprocess.run(openssl, check=True, capture_output=True, text=True)
        assert done.stdout.startswith(digest)

    return [
        _way(
            f"Downloads.fetch, {megabytes}",
            "downloads.fetch(turn, file, remote, tell): part, journal, lease, sha256 compared",
            _fetching(url, digest, folder),
            served,
        ),
        _way(
            f"{WEB} + curl + sha256sum, {megabytes}",
            "curl -o path <url> && sha256sum --check",
            by_curl,
            served,
        ),
        *_with_openssl(megabytes, by_openssl, served),
    ]


def _with_openssl(megabytes: str, run: Callable[[], None], served: Path) -> list[Way]:
    """Return a stronger peer, where there is one: it hashes with the processor's instructions."""
    if shutil.which("openssl") is None:
        return []
    command = "curl -o path <url> && openssl dgst -sha256 path"
    return [_way(f"{WEB} + curl + openssl, {megabytes}", command, run, served)]


def _fetching(url: str, digest: str, folder: Path) -> Callable[[], None]:
    turns, downloads = Turns(folder / "turns"), Downloads(folder / "downloads")
    remote = RemoteFile(location="origin", url=url, client=HttpClient(HttpPolicy()))
    file = WantedFile(reference="r", file_name="r.pth", sha256=digest)

    def run() -> None:
        with turns.turn("r") as turn:
            found = downloads.fetch(turn, file, remote, lambda _: None)
        assert found.sha256 == digest
        found.path.replace(folder / "arrived")
        downloads.discard(found)

    return run


def _way(name: str, command: str, fetch: Callable[[], None], served: Path) -> Way:
    arrived = served.parent.parent / "arrived"

    def run() -> Sample:
        arrived.unlink(missing_ok=True)
        cpu_s, wall_s = -_cpu_seconds(), -time.perf_counter()
        fetch()
        wall_s += time.perf_counter()
        cpu_s += _cpu_seconds()
        gigabytes = served.stat().st_size / 1e9
        assert arrived.stat().st_size == served.stat().st_size
        return {"mb_per_s": gigabytes * 1000 / wall_s, "cpu_s_per_gb": cpu_s / gigabytes}

    return Way(name=name, command=command, run=run)


def _cpu_seconds() -> float:
    """Of this process and its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
