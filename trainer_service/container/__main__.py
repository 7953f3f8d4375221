"""`python -m trainer_service.container [options] -- COMMAND...`: process 1 of a container."""

import argparse
import os
import sys

from trainer_service.container.first_process import FirstProcess, Orders
from trainer_service.container.pulse import PulseTiming
from trainer_service.container.restarts import Policy


def main(arguments: list[str]) -> int:
    """Keep the command running; return the exit status of the container."""
    return FirstProcess(options(arguments)).run()


def options(arguments: list[str]) -> Orders:
    """Return what the arguments say."""
    flags = _parser().parse_args(arguments)
    return Orders(
        command=flags.command,
        live_url=flags.live or live_url(os.environ.get(flags.live_of, "")),
        grace_s=flags.grace_s,
        others_grace_s=flags.others_grace_s,
        policy=Policy(first_wait_s=flags.first_wait_s, well_after_s=flags.well_after_s),
        pulse=PulseTiming(
            every_s=flags.silence_s / 12, silence_s=flags.silence_s, start_s=flags.start_s
        ),
    )


def live_url(listen: str) -> str:
    """Return where a program that listens at `HOST:PORT` says whether it lives; empty where there
    is no such address, or the port is the system's to choose.
    """
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) == 0:
        return ""
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "": "127.0.0.1"}
    return f"http://{here.get(host, host)}:{port}/live"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer_service.container",
        description="Keeps a program running as process 1 of a container, beside its workers.",
    )
    policy, pulse = Policy(), PulseTiming()
    rows: list[tuple[str, float, str]] = [
        ("--grace-s", 90.0, "what the program has to stop when it is told to"),
        ("--others-grace-s", 30.0, "what is left then has to go, before it is killed"),
        ("--first-wait-s", policy.first_wait_s, "before the first new start; doubled each time"),
        ("--well-after-s", policy.well_after_s, "a program that lived so long was well"),
        ("--silence-s", pulse.silence_s, "without an answer to --live it is killed after this"),
        ("--start-s", pulse.start_s, "what the first answer may take"),
    ]
    for name, default, words in rows:
        parser.add_argument(name, type=float, default=default, help=f"{words} (%(default)s)")
    parser.add_argument("--live", metavar="URL", default="", help="answers 200 while all is well")
    parser.add_argument(
        "--live-of",
        metavar="VARIABLE",
        default="",
        help="in place of --live: /live at the HOST:PORT that this variable has",
    )
    parser.add_argument("command", nargs="+", help="the program and its arguments, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
