"""`vertebra demo`: the main job from end to end, on images that need no download; and the same with
a backbone that learned without labels.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from vertebra.cli import exit_codes
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.screen import screen

DEFAULT_FOLDER = Path("vertebra-demo")
SIMCLR_FOLDER = Path("vertebra-simclr")
Command = Callable[..., Any]
PACKAGES = {"PIL": "Pillow", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}


def folder_and_seed(default: Path) -> Callable[[Command], Command]:
    """Return the two options that demos have."""
    kind = click.Path(file_okay=False, path_type=Path)
    text = "Images, logs, databases and results; an earlier demo in it is replaced."
    seed = click.option(
        "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Draws everything."
    )
    folder = click.option("--folder", type=kind, default=default, show_default=True, help=text)
    return lambda command: folder(seed(command))


@click.group(invoke_without_command=True)
@folder_and_seed(DEFAULT_FOLDER)
@click.pass_context
def demo(context: click.Context, folder: Path, seed: int) -> None:
    """Pretrain a backbone, register it, and fine-tune it on ten labels per class.

    resnet18 learns 26 letters from random numbers; its backbone is registered in the catalog; a new
    head learns ten digits on top of it while it stays frozen. The same head on a random backbone
    shows what pretraining was worth. Takes about three minutes on two CPU cores.

    \b
    Example:
      vertebra demo --folder /tmp/vertebra-demo --seed 1
    """
    if context.invoked_subcommand is not None:
        return
    _require_packages()
    from vertebra.demo.run import report, run_demo

    with _shown(folder) as (place, page):
        report(run_demo(place, seed, page), place / "learning-curves.png", page)


@demo.command(short_help="Pretrain without labels, then segment.")
@folder_and_seed(SIMCLR_FOLDER)
def simclr(folder: Path, seed: int) -> None:
    """Pretrain without labels (SimCLR), then segment with 10 % and 80 % of the labels.

    resnet18 learns from scenes of digits that nobody labelled and is registered in the catalog;
    segmentation starts from nothing, from the frozen backbone and from the trainable one,
    with equal steps. The table shows what pretraining was worth, whatever its sign.
    Takes four to five minutes on two CPU cores.

    \b
    Example:
      vertebra demo simclr --folder /tmp/vertebra-simclr --seed 1
    """
    _require_packages()
    from vertebra.demo.simclr_run import report_simclr, run_simclr_demo

    with _shown(folder) as (place, page):
        report_simclr(run_simclr_demo(place, seed, page), place / "simclr.png", page)


def _require_packages() -> None:
    if missing := [name for module, name in PACKAGES.items() if find_spec(module) is None]:
        raise CliFailed(
            f"the demo draws images and curves (missing: {', '.join(missing)}); "
            "pip install 'vertebra[demo]'",
            exit_codes.JOB_FAILED,
        )


@contextmanager
def _shown(folder: Path) -> Iterator[tuple[Path, Console]]:
    """Yield the emptied folder and the screen; a job that fails ends the command."""
    from vertebra.demo.outcome import JobFailed

    folder = folder.absolute()
    _clear(folder)
    try:
        yield folder, screen()
    except JobFailed as error:
        raise CliFailed(str(error), exit_codes.JOB_FAILED) from error


def _clear(folder: Path) -> None:
    """Remove an earlier demo, and nothing that is not one."""
    marker = folder / ".vertebra-demo"
    if folder.exists() and not marker.exists() and any(folder.iterdir()):
        raise click.BadParameter(
            f"{folder} has files that are not a demo's; name an empty folder", param_hint="--folder"
        )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    marker.touch()
