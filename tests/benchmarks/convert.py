"""A published `.pth` becomes safetensors in the store, beside torch's own way of doing that.

Each way is a process of its own, so its peak of resident memory is its own. Ours counts both: the
process that asks and the child that reads. Ours also hashes the result and flushes it to the disk.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tests.benchmarks.rows import Metric, Row, Sample, Way, compare, take_turns

METRICS = (
    Metric(name="peak_mb", title="peak of resident memory, MB"),
    Metric(name="wall_s", title="until stored, s"),
    Metric(name="cpu_s", title="until stored, CPU s"),
)

WIDTH = 1024
"""Of a transformer's layer: weights of 4 to 16 MB, as in vit_l_16."""

LARGEST = (25_088, 4096)
"""VGG's first linear layer, a third of a 1.2 GB file: it must pass in pieces."""

MEASURED = """
import json, resource, sys, time
from pathlib import Path
path, folder = Path(sys.argv[1]), Path(sys.argv[2])
began = time.perf_counter()
{run}
wall_s = time.perf_counter() - began
own_kb = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({{
    "peak_mb": (own_kb + used[1].ru_maxrss) / 1000,
    "wall_s": wall_s,
    "cpu_s": sum(each.ru_utime + each.ru_stime for each in used),
}}))
"""

"""`ru_maxrss` is inherited from the process that started this one; VmHWM of the kernel is not."""

OURS = """
from catalog_service.blobs.store import BlobStore
from catalog_service.weights.conversion import convert
convert([path], "vit", BlobStore(folder))
"""

THEIRS = """
import torch
from safetensors.torch import save_file
save_file(torch.load(path, weights_only=True, map_location="cpu"), folder / "out.safetensors")
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    num_layers: int
    has_largest: bool
    num_rounds: int


def measure(size: Size) -> list[Row]:
    """Return rows beside `torch.load` and `save_file`."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "published.pth"
        _write(path, size)
        ours = Way(
            name="vertebra's reader",
            command="convert([path], family, store): torch-free child, sha256, fsync",
            run=_program(OURS, path),
        )
        peer = Way(
            name="torch",
            command="save_file(torch.load(path, weights_only=True), out)",
            run=_program(THEIRS, path),
        )
        samples = take_turns([ours, peer], size.num_rounds)
    return compare("convert", ours, peer, METRICS, samples)


def _write(path: Path, size: Size) -> None:
    shapes = {"qkv": (3 * WIDTH, WIDTH), "fc1": (4 * WIDTH, WIDTH), "fc2": (WIDTH, 4 * WIDTH)}
    state = {
        f"layer{layer}.{name}.weight": torch.full(shape, float(layer))
        for layer in range(size.num_layers)
        for name, shape in shapes.items()
    }
    if size.has_largest:
        state["classifier.0.weight"] = torch.ones(LARGEST)
    torch.save(state, path)


def _program(run: str, path: Path) -> Callable[[], Sample]:
    def measured() -> Sample:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            command = [sys.executable, "-c", MEASURED.format(run=run), str(path), folder]
            found = subprocess.run(command, check=True, capture_output=True, text=True)
        sample: Sample = json.loads(found.stdout)
        return sample

    return measured
