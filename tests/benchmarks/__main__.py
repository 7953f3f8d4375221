"""Runs benchmarks and prints what they found: `python -m tests.benchmarks [name ...]`.

Each runs in a process of its own, so that none inherits another's memory and threads. Its threads
wait as a worker's do, ours and the peer's: spinning ones would drown everything in noise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.machine import header, load
from tests.benchmarks.report import rows_from_json, rows_to_json, table_of
from tests.benchmarks.table import BENCHMARKS
from trainer_service.engines.process import WAITING_VARIABLES


def main() -> int:
    """Run what was asked for; returns how many benchmarks failed."""
    names = [benchmark.name for benchmark in BENCHMARKS]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(names)}")
    parser.add_argument("--rows", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if arguments.rows:
        _write_rows(arguments.names[0], arguments.rows)
        return 0
    print("\n".join(header()))
    chosen = [name for name in names if name in arguments.names or not arguments.names]
    return sum(not _run(name) for name in chosen)


def _write_rows(name: str, path: Path) -> None:
    """What the process of one benchmark does."""
    [benchmark] = [benchmark for benchmark in BENCHMARKS if benchmark.name == name]
    path.write_text(json.dumps(rows_to_json(benchmark.measure())))


def _run(name: str) -> bool:
    """Run one benchmark in a process of its own and print its table; say whether it went well."""
    began, load_before = time.monotonic(), load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "tests.benchmarks", name, "--rows", str(path)]
        done = subprocess.run(command, check=False, env={**WAITING_VARIABLES, **os.environ})
        print(f"\n## {name}\n")
        print(f"{time.monotonic() - began:.0f} s; load before {load_before}, after {load()}\n")
        if done.returncode:
            print("failed: see above", flush=True)
            return False
        print("\n".join(table_of(rows_from_json(json.loads(path.read_text())))), flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
