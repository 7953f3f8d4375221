"""A person follows a job in a terminal while the server and the worker are killed."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.conftest import draw_stripes
from tests.services import running_catalog, running_trainer
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer_client import TrainerClient

WIDTH = 80
TIMEOUT_S = 300
ENVIRONMENT = {"TERM": "xterm", "COLUMNS": str(WIDTH), "NO_COLOR": "1"}


class Terminal:
    """`vertebra jobs watch` on a terminal of 80 columns."""

    def __init__(self, address: str, job: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vertebra.cli", "jobs", "watch", job],
            env={**os.environ, **ENVIRONMENT, "VERTEBRA_TRAINER_ADDRESS": address},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)

    def read(self) -> str:
        """Return all that was written, until the program has ended."""
        told = b""
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # EIO: nobody holds the other side any more
                piece = b""
            if not piece:
                self.process.wait(TIMEOUT_S)
                os.close(self._ours)
                return told.decode()
            told += piece


def lines_that_stay(told: str) -> list[str]:
    """Return what is left on the screen: a bar is drawn over itself."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", told)
    last = [line.split("\r")[-1].rstrip() for line in plain.replace("\r\n", "\n").split("\n")]
    return [line for line in last if line and "━" not in line]


def wait_for(client: TrainerClient, name: str, is_it: Callable[[events.TrainEvent], bool]) -> None:
    """Return once an event came."""
    for event in client.watch(name):
        if is_it(event):
            return
    raise AssertionError("the job ended first")


def after(step: int, attempt: int) -> Callable[[events.TrainEvent], bool]:
    """Return whether an event is of a later step of an attempt."""
    return lambda event: event.attempt == attempt and event.step_metrics.step > step


def kill_worker(home: Path, name: str, attempt: int) -> None:
    """End a worker as a lack of memory would."""
    folder = home / "jobs" / name.removeprefix("trainJobs/") / f"attempt-{attempt}"
    os.kill(json.loads((folder / "worker.json").read_text())["pid"], signal.SIGKILL)


@pytest.mark.full
def test_a_person_sees_no_more_than_a_pause(tmp_path: Path) -> None:
    """kill -9 of the server, then of the worker; the bar stands still, two lines say why."""
    images = draw_stripes(tmp_path / "images")
    home = tmp_path / "files"
    spec = {
        "model": {"backbone": "resnet18", "pretrained": False},
        "dataset": {"image_folder": {"path": str(images)}, "validation_ratio": 0.25},
        "num_epochs": 6,
        "batch_size": 2,
        "run": {"snapshot_interval": "1s"},
    }
    spec["model"] |= {"image_height_px": 32, "image_width_px": 32}
    with running_catalog(home) as catalog:
        with (
            running_trainer(home, catalog, VERTEBRA_TRAINER_DATA_ROOTS=str(images)) as first,
            TrainerClient(first.address) as client,
        ):
            name = client.create(spec).name
            terminal = Terminal(first.address, name)
            wait_for(client, name, after(5, attempt=1))
            first.kill()
        time.sleep(2)
        with (
            running_trainer(
                home,
                catalog,
                VERTEBRA_TRAINER_DATA_ROOTS=str(images),
                VERTEBRA_TRAINER_LISTEN=first.address,
            ) as second,
            TrainerClient(second.address) as client,
        ):
            wait_for(client, name, after(10, attempt=1))
            kill_worker(home, name, attempt=1)
            told = terminal.read()

    lines = lines_that_stay(told)
    print("\n".join(lines))
    epochs = [line.split()[1] for line in lines if line.startswith("epoch ")]
    assert terminal.process.returncode == 0
    assert epochs == [f"{number}/6" for number in range(1, 7)]
    assert len([line for line in lines if line.startswith("interrupted")]) == 1
    assert len([line for line in lines if line.startswith("goes on at step ")]) == 1
    assert not re.search("error|Traceback|no service", told)
    wide = [line for line in lines if len(line) > WIDTH]
    assert all(line.startswith("exported to ") for line in wide)  # a path stays whole
