"""The child program: reads files that others wrote, under limits, and answers in JSON.

Started by `read_file.py` with an empty environment and nothing open but its three pipes and the
files that it was told to read and write; imported by nobody. All that the parent believes about a
file comes back as plain JSON.
"""

import json
import os
import sys
from typing import Any

from catalog_service.blobs.safetensors_file import TensorSpec
from catalog_service.errors import VertebraError
from catalog_service.reader.confinement import CPU_S, confine, die_with_parent
from catalog_service.reader.tensor_file import listing, open_tensor_file
from catalog_service.reader.write_state import FileState, write_state

NICENESS = 10
"""The processes that answer calls come first."""


def main() -> None:
    """Read the order from stdin, do it, write the answer to stdout."""
    die_with_parent()
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
    """Do one order: `list` the one file, or `write` the `names` and `cuts` of all to `output`."""
    files = [os.fdopen(each["descriptor"], "rb") for each in order["files"]]
    size_bytes = sum(os.fstat(file.fileno()).st_size for file in files)
    confine(
        max_output_bytes=order.get("max_output_bytes", 0), cpu_s=CPU_S + size_bytes // 20_000_000
    )
    if order["do"] == "list":
        return listing(open_tensor_file(files[0]))
    states = [
        FileState(file=open_tensor_file(file), names=each["names"], cuts=each["cuts"])
        for file, each in zip(files, order["files"], strict=True)
    ]
    zeros = [TensorSpec(name=n, dtype=d, shape=tuple(s)) for n, d, s in order["zeros"]]
    with os.fdopen(order["output"], "wb") as output:
        non_finite = write_state(states, zeros, output)
        output.flush()
        os.fsync(output.fileno())
    return {"non_finite": non_finite}
