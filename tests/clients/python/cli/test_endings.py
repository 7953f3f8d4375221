"""How the program ends where nobody is at fault: a reader that left, a person who stops it."""

import os
import signal
import socket
import subprocess
import sys

import pytest

PROGRAM = (sys.executable, "-m", "vertebra.cli")
TIMEOUT_S = 120


@pytest.mark.parametrize("words", [("--help",), ("models", "--help"), ("completion", "bash")])
def test_a_reader_that_goes_away_is_no_failure(words: tuple[str, ...]) -> None:
    """As `vertebra models ls | head -1` has it."""
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [*PROGRAM, *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    os.close(writer)

    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_ends_a_call_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(TIMEOUT_S)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        waiting = subprocess.Popen(
            [*PROGRAM, "models", "ls", "--catalog", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        with connection:
            waiting.send_signal(signal.SIGINT)
            out, err = waiting.communicate(timeout=TIMEOUT_S)

    assert (waiting.returncode, out, err.split()) == (130, "", ["interrupted"])
