"""Take the console's picture again: `make pictures`. It shows a job that is trained for it.

Needs what `make console` builds, and Chromium.
"""

import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from vertebra.trainer_client import TrainerClient

PICTURE = Path(__file__).parent / "pictures" / "console.png"
UP = [sys.executable, "-m", "vertebra.cli", "up", "--console", "--json"]
PORTS = [word for name in ("catalog", "trainer", "console") for word in (f"--{name}-port", "0")]

WIDTH_PX, HEIGHT_PX = 1280, 1000
NUM_COLOURS = 128
"""Enough for a page without photographs, in half of the bytes."""

MODEL = {"backbone": "resnet18", "image_height_px": 32, "image_width_px": 32}
JOBS: tuple[Mapping[str, Any], ...] = (
    {
        "display_name": "from scratch",
        "model": {**MODEL, "pretrained": False},
        "dataset": {"bundled_digits": {}, "data_ratio": 0.4},
        "batch_size": 64,
        "num_epochs": 2,
        "export": {"register_as": "digits"},
    },
    {
        "display_name": "new head",
        "model": {**MODEL, "weights": "checkpoints/digits", "freeze_backbone": True},
        "dataset": {"bundled_digits": {}},
        "num_epochs": 2,
    },
    {
        "display_name": "fine-tuned",
        "model": {**MODEL, "weights": "checkpoints/digits"},
        "dataset": {"bundled_digits": {}},
        "augmentation": "AUGMENTATION_SHIFT",
        "optimizer": {"lr": 0.0003},
        "schedule": {"kind": "KIND_COSINE", "warmup_epochs": 1},
        "num_epochs": 4,
    },
)
"""The newest one is what the page shows first."""


@contextmanager
def running_console(home: Path) -> Iterator[Mapping[str, str]]:
    """Yield the addresses of both services and the console."""
    command = [*UP, *PORTS, "--home", str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)


def train(address: str) -> None:
    """Run the jobs, one after the other."""
    with TrainerClient(address) as trainer:
        for spec in JOBS:
            trainer.wait(trainer.create(spec).name)


def picture(url: str) -> bytes:
    """Return the page of jobs, as a PNG."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = chromium.new_page(
            viewport={"width": WIDTH_PX, "height": HEIGHT_PX},
            color_scheme="light",
            reduced_motion="reduce",
        )
        page.goto(f"{url}/jobs")
        page.get_by_text("columns what they are taken for").wait_for()
        return page.screenshot()


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as home, running_console(Path(home)) as addresses:
        train(addresses["trainer"])
        taken = Image.open(io.BytesIO(picture(addresses["console"])))
    taken.convert("RGB").quantize(NUM_COLOURS).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
