"""A site without a network: run under `unshare -rn`, it has a loopback and nothing else.

    isolated_program.py ORDERS ANSWERS

ORDERS is JSON: `commands` in order, one of which may start with `vertebra up`: it is started under
strace, which writes connect() calls to `trace`, and stays until the others have ended. ANSWERS gets
what each printed, its exit code, and how a connection to the outside failed before anything ran.
"""

import fcntl
import json
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

SIOCSIFFLAGS, IFF_UP = 0x8914, 0x1
"""Source: linux/sockios.h, linux/if.h."""

OUTSIDE = ("192.0.2.1", 9)
"""Source: RFC 5737, TEST-NET-1."""

TIMEOUT_S = 240


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def outside() -> str:
    """Return how a connection to the outside fails."""
    with socket.socket() as probe:
        probe.settimeout(5)
        try:
            probe.connect(OUTSIDE)
        except OSError as error:
            return str(error.strerror)
    return ""


def start(command: str, screen: Path, trace: str) -> "subprocess.Popen[bytes]":
    """Start `vertebra up` and wait until it says that it serves."""
    strace = ["strace", "-f", "-D", "--seccomp-bpf", "-e", "trace=connect", "-o", trace]
    with screen.open("wb") as output:
        process = subprocess.Popen([*strace, *command.split()], stdout=output, stderr=output)
    deadline = time.monotonic() + TIMEOUT_S
    while b"stop: Ctrl-C" not in screen.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(screen.read_text())
        time.sleep(0.1)
    return process


def run(command: str) -> dict[str, object]:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    return {"told": done.stdout, "code": done.returncode}


def main() -> None:
    orders, answers = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    bring_loopback_up()
    found: dict[str, object] = {"outside": outside()}
    told, services, screen = [], None, Path(sys.argv[1]).with_name("screen.txt")
    try:
        for command in orders["commands"]:
            if command.startswith("vertebra up"):
                services = start(command, screen, orders["trace"])
                told.append({"told": screen.read_text(), "code": 0})
            else:
                told.append(run(command))
    finally:
        if services is not None:
            services.send_signal(signal.SIGINT)
            services.wait(timeout=60)
    answers.write_text(json.dumps({**found, "commands": told}))


if __name__ == "__main__":
    main()
