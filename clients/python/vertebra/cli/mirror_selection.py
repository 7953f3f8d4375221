"""What goes into a bundle, as flags: what filters choose, and what is named."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.catalog_client import CatalogClient
from vertebra.cli.options import joined_filter, pattern_filter

Function = TypeVar("Function", bound=Callable[..., Any])

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


SELECTION_FLAGS = (
    click.argument("names", metavar="[NAME]...", nargs=-1),
    click.option(
        "--architecture",
        "architectures",
        metavar="PATTERN",
        multiple=True,
        help="Such as resnet50 or 'vit*'; repeat it.",
    ),
    click.option("--task", default="", metavar="TASK", help="Such as segmentation."),
    click.option("--licence", default="", metavar="NAME", help="Such as 'BSD-3-Clause'."),
    click.option(
        "--filter",
        "filter_text",
        default="",
        metavar="FILTER",
        help="As `weights ls` has it.",
    ),
    click.option("--all-weights", is_flag=True, help="Not only the default of each architecture."),
    click.option(
        "--list", "list_file", type=FILE, metavar="FILE", help="With a NAME on each line."
    ),
    click.option(
        "--exclude-licence",
        "exclude_licences",
        metavar="NAME",
        multiple=True,
        help="Leave out what is under it; repeat it.",
    ),
    click.option(
        "--base",
        "base_file",
        type=FILE,
        metavar="FILE",
        help="manifest.json of an earlier bundle: what it has is left out.",
    ),
)
"""In the order of the help."""


def selection_options(function: Function) -> Function:
    """Add NAMEs, `--architecture`, `--task`, `--licence`, `--filter`, `--list` and more."""
    for add in reversed(SELECTION_FLAGS):
        function = add(function)
    return function


def selection_of(catalog: CatalogClient, flags: dict[str, Any]) -> wire.BundleSelection:
    """Return what the flags choose. Filters narrow each other; names are added.

    Raises:
        click.UsageError: nothing is chosen, or no weight matches.
        RpcFailed: FILTER_INVALID.
    """
    names = [*flags["names"], *_listed_names(flags["list_file"])]
    wanted = _filters(flags)
    found = {one.reference for text in wanted for one in catalog.list_weights(text)}
    if wanted and not found:
        raise click.UsageError(f"no weight matches {wanted[0]}; `vertebra weights ls` lists all")
    if not (names or found):
        raise click.UsageError(
            "nothing is chosen; name weights, architectures or checkpoints, or give "
            "--architecture, --task, --licence, --filter or --list"
        )
    return wire.BundleSelection(
        names=list(dict.fromkeys([*names, *sorted(found)])),
        exclude_licences=flags["exclude_licences"],
    )


def base_manifest(flags: dict[str, Any]) -> bytes:
    """Return the manifest of the earlier bundle, or nothing."""
    path: Path | None = flags["base_file"]
    return path.read_bytes() if path is not None else b""


def _filters(flags: dict[str, Any]) -> list[str]:
    """Return one filter for each pattern, or one without; none where nothing filters."""
    others = joined_filter(
        f"task = {flags['task']}" if flags["task"] else "",
        f'licence = "{flags["licence"]}"' if flags["licence"] else "",
        flags["filter_text"],
    )
    patterns = flags["architectures"]
    if not (patterns or others):
        return []
    defaults = "" if flags["all_weights"] else "is_default = true"
    exact = [
        pattern_filter("architecture_id", each) if "*" in each else f'architecture_id = "{each}"'
        for each in patterns
    ]
    return [joined_filter(each, others, defaults) for each in exact or [""]]


def _listed_names(path: Path | None) -> list[str]:
    if path is None:
        return []
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]
