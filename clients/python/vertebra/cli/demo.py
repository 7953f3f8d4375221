"""`vertebra demo`: the main job from end to end, on images that need no download."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import click

from vertebra.cli import exit_codes
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.screen import screen

DEFAULT_FOLDER = Path("vertebra-demo")
PACKAGES = {"PIL": "Pillow", "matplotlib": "matplotlib", "sklearn": "scikit-learn"}


@click.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
    show_default=True,
    help="Images, logs, databases and results; an earlier demo in it is replaced.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
def demo(folder: Path, seed: int) -> None:
    """Pretrain a backbone, register it, and fine-tune it on ten labels per class.

    resnet18 learns 26 letters from random numbers; its backbone is registered in the catalog; a new
    head learns ten digits on top of it while it stays frozen. The same head on a random backbone
    shows what pretraining was worth. Takes about three minutes on two CPU cores.

    \b
    Example:
      vertebra demo --folder /tmp/vertebra-demo --seed 1
    """
    if missing := [name for module, name in PACKAGES.items() if find_spec(module) is None]:
        raise CliFailed(
            f"the demo draws images and curves (missing: {', '.join(missing)}); "
            "pip install 'vertebra[demo]'",
            exit_codes.JOB_FAILED,
        )
    from vertebra.demo.run import JobFailed, report, run_demo

    folder = folder.absolute()
    _clear(folder)
    page = screen()
    try:
        outcomes = run_demo(folder, seed, page)
    except JobFailed as error:
        raise CliFailed(str(error), exit_codes.JOB_FAILED) from error
    report(outcomes, folder / "learning-curves.png", page)


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
