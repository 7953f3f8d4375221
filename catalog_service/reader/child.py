"""The child program: reads one file that others wrote, under limits, and answers in JSON.

Started by `read_file.py` with an empty environment and nothing open but its three pipes; imported
by nobody. All that the parent believes about the file comes back as plain JSON.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from catalog_service.errors import VertebraError
from catalog_service.reader.tensor_file import listing, open_tensor_file, write_state

UNDERSTANDING_MEMORY_BYTES = 384 * 2**20
"""Address space while names and shapes are read: a state of 100,000 tensors takes less."""

COPYING_MEMORY_BYTES = 512 * 2**20
"""Address space while numbers are copied, beyond twice the file's size."""

CPU_S = 60
"""Seconds of processor time for names and shapes. Copying gets a second per 20 MB on top."""

MAX_OPEN_FILES = 16

NICENESS = 10
"""The processes that answer calls come first."""


_PR_SET_PDEATHSIG = 1
"""Source: linux/prctl.h."""


def main() -> None:
    """Read the order from stdin, do it, write the answer to stdout."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(NICENESS)
    order = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"done": run(order)}
    except VertebraError as error:
        answer = {"refused": error.message}
    except MemoryError:
        answer = {"refused": "reading it takes more memory than a tensor file should"}
    except OSError as error:
        answer = {"failed": f"{error.strerror or error}", "errno": str(error.errno)}
    except Exception as error:  # whatever a hostile file provokes is about the file
        answer = {"refused": f"malformed: {type(error).__name__}: {error}"[:300]}
    json.dump(answer, sys.stdout)


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Do one order: `list`, or `write` with `names` and `output`."""
    path = Path(order["path"])
    size_bytes = path.stat().st_size
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, CPU_S + size_bytes // 20_000_000)
    _limit(resource.RLIMIT_FSIZE, order.get("max_output_bytes", 0))
    memory = COPYING_MEMORY_BYTES + 2 * size_bytes
    resource.setrlimit(resource.RLIMIT_AS, (min(UNDERSTANDING_MEMORY_BYTES, memory), memory))
    with path.open("rb") as file:
        tensor_file = open_tensor_file(path, file)
        if order["do"] == "list":
            return listing(tensor_file)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        with Path(order["output"]).open("wb") as output:
            write_state(tensor_file, order["names"], output)
            output.flush()
            os.fsync(output.fileno())
    return {}


def _limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))
