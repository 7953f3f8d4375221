"""`vertebra jobs`: what was trained, what trains now, and stopping it."""

from typing import Any

import click
from rich.console import Console

from vertebra.cli import exit_codes, words
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.experiment import experiment, named_flags, spec_options
from vertebra.cli.job_summary import history_of, main_result, print_summary, progress
from vertebra.cli.job_words import export_view, state_text
from vertebra.cli.live import watch_to_end
from vertebra.cli.options import filter_options, json_option, trainer_option
from vertebra.cli.plan_words import plan_view
from vertebra.cli.pretrained_model import with_pretrained_model
from vertebra.cli.screen import print_json, print_json_list, screen, table, title
from vertebra.cli.sections import SectionedCommand
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient


@click.group()
def jobs() -> None:
    """List, describe, watch and cancel training jobs."""


@jobs.command("ls")
@filter_options
@trainer_option
@json_option
def list_jobs(filter_text: str, order_by: str, trainer_address: str, as_json: bool) -> None:
    """List jobs, newest first.

    \b
    Example:
      vertebra jobs ls --filter 'state = running'
    """
    with TrainerClient(trainer_address) as trainer:
        rows = list(trainer.list(filter_text, order_by))
    if as_json:
        print_json_list("jobs", rows)
    else:
        _print_rows(screen(), rows)


@jobs.command("show")
@click.argument("job", default="")
@trainer_option
@json_option
def show_job(job: str, trainer_address: str, as_json: bool) -> None:
    """Describe one job: its plan, its data, its curves, how good it is class by class, its files.

    JOB is its id, or the beginning of it; without, the newest job.

    \b
    Example:
      vertebra jobs show 9f3c
    """
    with TrainerClient(trainer_address) as trainer:
        one = trainer.get(job) if job else newest(trainer)
        if as_json:
            print_json(one)
            return
        page = screen()
        print_summary(page, one, history_of(trainer.history(one.name)))
        for export in trainer.list_exports(one.name):
            page.print()
            page.print(export_view(export))


@jobs.command("plan", cls=SectionedCommand)
@spec_options
@trainer_option
@json_option
def plan_job(**flags: Any) -> None:
    """Say what an experiment would do: what trains, what stays, how long. Nothing runs.

    \b
    Example:
      vertebra jobs plan experiment.json
      vertebra jobs plan --backbone vgg11 --digits --epochs 3 --freeze frozen_backbone
    """
    spec = experiment(flags["file"], with_pretrained_model(flags))
    with TrainerClient(flags["trainer_address"]) as trainer, named_flags(flags["file"]):
        answer = trainer.plan(spec)
    if flags["as_json"]:
        print_json(answer)
    else:
        screen().print(plan_view(answer.plan))


@jobs.command("watch")
@click.argument("job", default="")
@trainer_option
@json_option
def watch_job(job: str, trainer_address: str, as_json: bool) -> int:
    """Show a job from its first event to its last. Exits with 1 when it failed.

    JOB is its id, or the beginning of it; without, the newest job.
    With --json, each line is an object with event, or with job and exports.

    \b
    Example:
      vertebra jobs watch 9f3c
    """
    with TrainerClient(trainer_address) as trainer:
        one = trainer.get(job) if job else newest(trainer)
        return watch_to_end(trainer, one.job_id, screen(), as_json=as_json)


@jobs.command("cancel")
@click.argument("job")
@click.option("--reason", default="", help="Kept in the job's events.")
@trainer_option
@json_option
def cancel_job(job: str, reason: str, trainer_address: str, as_json: bool) -> None:
    """Stop a job. A running one needs a few seconds.

    \b
    Example:
      vertebra jobs cancel 9f3c --reason 'wrong data'
    """
    with TrainerClient(trainer_address) as trainer:
        one = trainer.cancel(job, reason)
    if as_json:
        print_json(one)
    else:
        page = screen()
        page.print(title(one.job_id, ""), state_text(one.state))


def newest(trainer: TrainerClient) -> wire.TrainJob:
    """Return the job that was created last.

    Raises:
        CliFailed: there is none.
    """
    for one in trainer.list():
        return one
    raise CliFailed("there are no jobs; `vertebra train` starts one", exit_codes.REFUSED)


def _print_rows(page: Console, rows: list[wire.TrainJob]) -> None:
    if not rows:
        page.print("no job matches; `vertebra train` starts one")
        return
    lines = table("JOB", "STATE", "BACKBONE", "PROGRESS", "RESULT", "CREATED", "NAME")
    for one in rows:
        lines.add_row(
            one.job_id[:8],
            state_text(one.state),
            one.spec.model.backbone.removeprefix("architectures/"),
            progress(one) or "-",
            main_result(one),
            words.when(one.create_time),
            one.spec.display_name,
        )
    page.print(lines)
