"""`vertebra jobs metrics`: a job's curves, for people and for programs."""

from collections.abc import Iterable, Iterator
from typing import Any

import click

from vertebra.cli.clients import trainer_client
from vertebra.cli.curve_words import series_view
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import print_json, screen
from vertebra.cli.sections import SectionedCommand
from vertebra.cli.written_values import MAX_AMOUNT
from vertebra.trainer.v1 import train_run_pb2 as runs

STEP = click.IntRange(min=0, max=MAX_AMOUNT)


@click.command("metrics", cls=SectionedCommand, short_help="Show a job's curves.")
@click.argument("job")
@click.argument("series", nargs=-1)
@click.option("--from-step", type=STEP, default=0, metavar="N", help="Leave earlier steps out.")
@click.option("--to-step", type=STEP, default=0, metavar="N", help="Leave later steps out.")
@click.option(
    "--points",
    type=click.IntRange(1, 10_000),
    default=2000,
    show_default=True,
    metavar="N",
    help="Of each curve at most; what is seen stays.",
)
@click.option("--csv", "as_csv", is_flag=True, help="A line a point: series,step,epoch,value.")
@trainer_option
@json_option
def show_metrics(**flags: Any) -> None:
    """Show a job's curves as they are in the end: without steps that were done again.

    SERIES are names or patterns; without, all.

    \b
    Example:
      vertebra jobs metrics 9f3c 'validation/*'
      vertebra jobs metrics 9f3c step/loss --from-step 1000 --csv > loss.csv
    """
    with trainer_client(flags["trainer_address"]) as trainer:
        answer = trainer.metrics(
            flags["job"],
            flags["series"],
            min_step=flags["from_step"],
            max_step=flags["to_step"],
            max_points=flags["points"],
        )
    if flags["as_json"]:
        print_json(answer)
    elif flags["as_csv"]:
        click.echo("\n".join(["series,step,epoch,value", *csv_lines(answer.series)]))
    elif answer.series:
        screen().print(series_view(answer.series))
    else:
        screen().print("no such curve, or none there yet; `vertebra jobs metrics JOB` has all")


def csv_lines(series: Iterable[runs.MetricSeries]) -> Iterator[str]:
    """Yield the points of all curves; numbers lose no digit."""
    for one in series:
        for step, epoch, value in zip(one.steps, one.epochs, one.values, strict=True):
            yield f"{one.name},{step},{epoch},{value!r}"
