"""The flags that say where a job runs, how it survives, and how it is found again."""

from collections.abc import Callable, Iterable
from typing import Any

import click

from vertebra.cli.spec_flag import SpecFlag, enum_flag, number_flag
from vertebra.cli.written_values import MAX_COUNT, seconds
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer.v1 import train_run_pb2 as runs

RUN_FLAGS = (
    number_flag(
        "--priority",
        "run.priority",
        click.IntRange(min=-1000, max=1000),
        "Jobs with a larger one start first; 0.",
    ),
    number_flag(
        "--devices",
        "run.num_devices",
        click.IntRange(min=1, max=MAX_COUNT),
        "Devices that train together; 1.",
    ),
    enum_flag("--engine", "run.engine", runs.Engine, "ENGINE_", "What starts the job; process."),
    number_flag(
        "--max-failures",
        "run.max_failures",
        click.IntRange(min=0, max=MAX_COUNT),
        "Starts after a crash, a hang or a host without memory; 2.",
    ),
    number_flag(
        "--max-preemptions",
        "run.max_preemptions",
        click.IntRange(min=-1, max=MAX_COUNT),
        "Starts after a preemption or a lost host; -1, without end.",
    ),
    SpecFlag(
        name="--time-limit",
        path="run.time_limit",
        parse=seconds,
        metavar="TIME",
        help="The job fails when it takes longer, pauses included, such as 2h30m.",
    ),
    SpecFlag(
        name="--snapshot-every",
        path="run.snapshot_interval",
        parse=seconds,
        metavar="TIME",
        help="From one snapshot to the next; else so that saving takes 2 % of the time.",
    ),
)
"""Where and how a job runs, beside --label."""


def label_option(function: Any) -> Any:
    """Add `--label`, which may come several times."""
    told = "To find jobs by, as in `vertebra jobs ls --label NAME=VALUE`; repeat it."
    return _label_option(told)(function)


def label_filter_option(function: Any) -> Any:
    """Add the `--label` of a list: those that have it."""
    return _label_option("Only jobs with this label; repeat it: those that have all.")(function)


def _label_option(told: str) -> Callable[[Any], Any]:
    return click.option(
        "--label",
        "labels",
        metavar="NAME=VALUE",
        multiple=True,
        callback=lambda _context, _option, texts: labels(texts),
        help=told,
    )


def labels(texts: Iterable[str]) -> dict[str, str]:
    """Return names and values of `team=vision`; the last of one name counts.

    Raises:
        click.BadParameter: no name, or no `=`.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as team=vision")
        found[name] = value
    return found


def set_labels(spec: jobs.TrainJobSpec, given: dict[str, str]) -> None:
    """Set labels; those of the file that have other names stay."""
    for name, value in given.items():
        spec.labels[name] = value


def label_filter(given: dict[str, str]) -> list[str]:
    """Return the filters of jobs that have all these labels."""
    return [f'labels.{name} = "{_quoted(value)}"' for name, value in given.items()]


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
