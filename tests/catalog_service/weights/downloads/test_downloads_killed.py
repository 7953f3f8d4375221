"""Processes that really die: whatever a download is killed at, the next one goes on there; and any
number of processes and threads that want one file fetch it once."""

import hashlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.catalog_service.weights.downloads.conftest import DATA, PATH, SHA256

PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from catalog_service.weights.downloads.downloads import Downloads
from catalog_service.weights.downloads.part import Part
from catalog_service.weights.downloads.turns import Turns
from catalog_service.weights.http.client import HttpClient
from catalog_service.weights.http.policy import HttpPolicy
from catalog_service.weights.locations.location import RemoteFile
from catalog_service.weights.wanted_file import WantedFile

root, url, kill_at, num_threads = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def dying(owner, name):
    real = getattr(owner, name)
    def step(*arguments, **options):
        die() if kill_at == f"before {name}" else None
        result = real(*arguments, **options)
        die() if kill_at == f"after {name}" else None
        return result
    setattr(owner, name, step)

def append_until(self, data, real=Part.append):
    room = int(kill_at) - self.size_bytes
    real(self, data[:room])
    if room <= len(data):
        die()

dying(Path, "rename")
dying(Part, "record")
dying(Downloads, "fetch")
if kill_at.isdecimal():
    Part.append = append_until
turns, downloads = Turns(root / "turns"), Downloads(root / "downloads")
remote = RemoteFile(location="origin", url=url, client=HttpClient(HttpPolicy()))

def ensure():
    with turns.turn("resnet50") as turn:
        if not (root / "whole").exists():
            file = WantedFile(reference="r", file_name="resnet50.pth")
            found = downloads.fetch(turn, file, remote, lambda _: None)
            found.path.replace(root / "whole")
            downloads.discard(found)

threads = [threading.Thread(target=ensure) for _ in range(num_threads)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def start(root: Path, url: str, kill_at: object = "never", num_threads: int = 1):
    arguments = [str(root), url, str(kill_at), str(num_threads)]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def ended(child):
    errors = child.communicate(timeout=120)[1]
    return child.returncode, errors


def part_bytes(root: Path) -> int:
    parts = list(root.rglob("*.part"))
    assert len(parts) <= 1
    return parts[0].stat().st_size if parts else 0


def starts(origin) -> list[int]:
    return [int(get.range.removeprefix("bytes=").rstrip("-") or 0) for get in origin.gets(PATH)]


@pytest.mark.parametrize("num_kills", [10, pytest.param(100, marks=pytest.mark.full)])
def test_killed_at_any_byte_it_goes_on_at_that_byte(tmp_path, origin, site, capsys, num_kills):
    points = sorted(random.Random(num_kills).sample(range(1, len(DATA)), num_kills))
    for point in points:
        assert ended(start(tmp_path, site.url, point)) == (-signal.SIGKILL, "")
        assert part_bytes(tmp_path) == point
        assert not (tmp_path / "whole").exists()

    assert ended(start(tmp_path, site.url)) == (0, "")

    tenths = Counter(point * 10 // len(DATA) for point in points)
    with capsys.disabled():
        print(f"\n{num_kills} kills, by tenths of the file: {dict(sorted(tenths.items()))}")
    assert hashlib.sha256((tmp_path / "whole").read_bytes()).hexdigest() == SHA256
    assert starts(origin) == [0, *points], "no byte was fetched twice"


STEPS = ["before record", "after record", "before rename", "after rename", "after fetch"]


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on(tmp_path, origin, site, step):
    """The first is killed half-way, the second while it takes over, the third ends it."""
    half = len(DATA) // 2
    assert ended(start(tmp_path, site.url, half))[0] == -signal.SIGKILL
    assert ended(start(tmp_path, site.url, step)) == (-signal.SIGKILL, "")
    assert not (tmp_path / "whole").exists()

    assert ended(start(tmp_path, site.url)) == (0, "")

    assert hashlib.sha256((tmp_path / "whole").read_bytes()).hexdigest() == SHA256
    assert 0 not in starts(origin)[1:], "never from the beginning"
    assert list((tmp_path / "downloads").iterdir()) == [], "nothing of the dead is left"


def test_many_processes_and_threads_fetch_one_file_once(tmp_path, origin, site):
    origin.throttle._bytes_per_s = 3_000_000
    children = [start(tmp_path, site.url, num_threads=16) for _ in range(4)]

    assert [ended(child) for child in children] == [(0, "")] * 4
    assert origin.bodies(PATH) == 1
    assert hashlib.sha256((tmp_path / "whole").read_bytes()).hexdigest() == SHA256


def test_who_waited_for_a_killed_one_goes_on_where_it_died(tmp_path, origin, site):
    origin.throttle._bytes_per_s = 3_000_000
    doomed = start(tmp_path, site.url, len(DATA) // 2)
    origin.wait_for_bytes(PATH, 1)
    children = [start(tmp_path, site.url, num_threads=16) for _ in range(4)]

    assert ended(doomed)[0] == -signal.SIGKILL
    assert [ended(child) for child in children] == [(0, "")] * 4
    assert starts(origin) == [0, len(DATA) // 2]


def test_the_file_of_a_silent_process_is_copied_and_never_shared(tmp_path, origin, site):
    """It sleeps, is taken for dead by silence, wakes up and writes on: into its own file."""
    origin.throttle._bytes_per_s = 1_000_000
    sleeper = start(tmp_path, site.url)
    origin.wait_for_bytes(PATH, 1_000_000)
    sleeper.send_signal(signal.SIGSTOP)
    [silent] = tmp_path.rglob("*.part")
    origin.throttle._bytes_per_s = 0

    found = site.fetch(heartbeat_s=0.5)
    sleeper.send_signal(signal.SIGCONT)

    assert ended(sleeper) == (0, "")
    assert found.sha256 == SHA256 and found.path != silent
    assert found.path.read_bytes() == DATA == (tmp_path / "whole").read_bytes()
