"""What the child may still do once it is confined: nothing but read, write and allocate.

Every try runs in a process of its own, once confined and once not: a try that fails anyway would
prove nothing.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from catalog_service.reader.confinement import ALLOWED, MACHINES, filter_program

TRIES = {
    "connects": "import socket; socket.create_connection(('127.0.0.1', PORT), timeout=5)",
    "makes a socket": "import socket; socket.socket()",
    "makes a pair of sockets": "import socket; socket.socketpair()",
    "opens a file": "open('/etc/hostname').read()",
    "makes a file": "open('made', 'w')",
    "makes a folder": "import os; os.mkdir('folder')",
    "removes a file": "import os; os.unlink('victim')",
    "forks": "import os; os.waitpid(os.fork() or os._exit(0), 0)",
    "starts a program": "import os; os.execv('/bin/true', ['true'])",
    "starts a thread": "import threading; threading.Thread(target=print).start()",
    "kills": "import os; os.kill(os.getpid(), 0)",
    "takes 400 MB": "bytearray(400_000_000)",
}

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import os, socket, threading
from catalog_service.reader.confinement import confine
if {confined}:
    confine(max_output_bytes=0, cpu_s=20)
try:
    {attempt}
except (OSError, MemoryError, RuntimeError) as error:
    print("refused", type(error).__name__)
else:
    print("done")
"""

needs_filter = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the filter is Linux's"
)


def outcome(tmp_path: Path, attempt: str, *, confined: bool) -> str:
    root = str(Path(__file__).parents[3])
    text = PROGRAM.format(root=root, attempt=attempt, confined=confined)
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", text],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return found.stdout.strip()


@needs_filter
@pytest.mark.parametrize("name", TRIES)
def test_the_child_cannot(name: str, tmp_path: Path, listening_port: int) -> None:
    (tmp_path / "victim").touch()
    attempt = TRIES[name].replace("PORT", str(listening_port))

    confined = outcome(tmp_path, attempt, confined=True)
    free = outcome(tmp_path, attempt, confined=False)

    assert confined.startswith("refused")
    assert free in ("done", "")  # "": it became another program


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_lets_through_what_is_listed_and_nothing_else(machine: str) -> None:
    """Runs the kernel's instructions for every number, so a wrong jump shows on any machine."""
    name, column = MACHINES[machine]
    numbers = {row[column] for row in ALLOWED.values()}
    program = filter_program(machine)

    passed = {number for number in range(600) if allows(program, name, number)}

    assert passed == numbers
    assert not any(allows(program, 0xDEAD, number) for number in range(600))
    assert not allows(program, name, 0x40000000)  # the other numbering of x86-64


def allows(program: bytes, machine: int, number: int) -> bool:
    """Interpret the filter as the kernel does."""
    at, value = 0, 0
    while True:
        step = program[8 * at : 8 * at + 8]
        code = int.from_bytes(step[:2], sys.byteorder)
        operand = int.from_bytes(step[4:], sys.byteorder)
        at += 1
        if code == 0x20:
            value = {0: number, 4: machine}[operand]
        elif code == 0x15:
            at += step[2] if value == operand else step[3]
        else:
            return operand == 0x7FFF0000
