"""What a running worker is told: one small file in the attempt's folder, and a heartbeat.

The supervisor writes `control.json` whole and touches `heartbeat`; the worker looks at both a few
times a second. A signal only makes it look at once. The other way round the worker touches `alive`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from catalog_service.models.plain_json import MalformedJson, from_plain, to_plain
from trainer_service.jobs.json_file import write_json_file

CONTROL_FILE = "control.json"
HEARTBEAT_FILE = "heartbeat"
ALIVE_FILE = "alive"
"""Touched by the worker while it moves: where nothing is told for long, the watchdog looks here."""

Command = Literal["go_on", "pause", "preempt", "cancel"]
"""`go_on` withdraws a pause. `pause` saves and ends, or says why it cannot and goes on. `preempt`
saves where there is time, and ends. `cancel` ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What the worker is to do. The newest one holds."""

    command: Command = "go_on"
    number: int = 0
    """Grows with every command: the worker answers each once."""
    within_s: float = 0.0
    """How long it has for that, from when it sees it; 0 means as long as it takes."""


def write_control(folder: Path, control: Control) -> None:
    """Write `control.json`; it is never seen half-written."""
    write_json_file(folder / CONTROL_FILE, to_plain(control))


def read_control(folder: Path) -> Control:
    """Return what is asked of the worker; to go on where nothing is."""
    try:
        return from_plain(Control, json.loads((folder / CONTROL_FILE).read_text("utf-8")))
    except (FileNotFoundError, json.JSONDecodeError, MalformedJson):
        return Control()
