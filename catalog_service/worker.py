"""The child program that has torch: does what the catalog's worker pool asks, one order at a time.

Started by `worker_pool.py`, imported by nobody. Orders and answers are JSON frames on stdin and
stdout. A thread reads stdin all the time, so that the process ends at once when its parent does,
whatever it is computing.
"""

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from catalog_service.errors import KINDS, VertebraError

NICENESS = 10
"""The processes that answer calls come first."""

LENGTH_BYTES = 4


def main() -> None:
    """Serve orders until stdin ends."""
    os.nice(NICENESS)
    orders, answers = sys.stdin.buffer, _claim_stdout()
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders, waiting), daemon=True).start()
    functions = _functions(int(os.environ["VERTEBRA_WORKER_THREADS"]))
    while True:
        _answer(answers, functions, waiting.get())


def _claim_stdout() -> BinaryIO:
    """Keep stdout for answers alone: whatever a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    return answers


def _read_orders(orders: BinaryIO, waiting: "queue.SimpleQueue[dict[str, Any]]") -> None:
    while True:
        header = orders.read(LENGTH_BYTES)
        if len(header) < LENGTH_BYTES:
            os._exit(0)  # the parent is gone: nobody waits for what is being computed
        content = orders.read(int.from_bytes(header, "big"))
        waiting.put(json.loads(content))


def _functions(num_threads: int) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
    import torch

    from catalog_service.models import build_parts, description, structure_check

    torch.set_num_threads(num_threads)
    return {
        "describe_model": build_parts.describe_model,
        "model_description": description.model_description_order,
        "check_structure": structure_check.check_structure,
        "build_parts": build_parts.build_parts,
        "fit_backbone": build_parts.fit_backbone,
        "ping": lambda _: {"pid": os.getpid()},
    }


def _answer(
    answers: BinaryIO,
    functions: Mapping[str, Callable[[Mapping[str, Any]], Any]],
    order: Mapping[str, Any],
) -> None:
    try:
        answer = {"done": functions[order["function"]](order["arguments"])}
    except VertebraError as error:
        answer = {"failed": _plain(error)}
    except Exception:  # the parent logs it; the caller learns that it is a bug
        answer = {"bug": traceback.format_exc()}
    content = json.dumps(answer).encode()
    answers.write(len(content).to_bytes(LENGTH_BYTES, "big"))
    view = memoryview(content)
    while view:
        view = view[answers.write(view) :]


def _plain(error: VertebraError) -> dict[str, Any]:
    kind = next(kind for kind in KINDS if isinstance(error, kind))
    return {
        "kind": kind.__name__,
        "message": error.message,
        "reason": error.error_reason,
        "metadata": error.metadata,
    }


if __name__ == "__main__":
    main()
