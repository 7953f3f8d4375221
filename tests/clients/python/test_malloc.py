"""The allocator's settings: in a process of their own, because they are the process's."""

import subprocess
import sys

PROGRAM = """
from vertebra.malloc import keep_freed_megabytes
import resource, sys
if sys.argv[1] == "tuned":
    assert keep_freed_megabytes()
def churn():
    kept = [bytearray(b"x") * (1 << 20) for _ in range(8)]
    for _ in range(50):
        kept = [bytearray(b"x") * (1 << 20) for _ in range(8)]
churn()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
churn()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


def test_megabytes_that_come_and_go_are_not_mapped_anew() -> None:
    """8 MiB at a time, 400 in all: 102,400 pages if each were mapped again."""
    tuned, plain = faults("tuned"), faults("plain")

    print(f"page faults: {tuned} tuned, {plain} as it is")
    assert tuned < 5_000
