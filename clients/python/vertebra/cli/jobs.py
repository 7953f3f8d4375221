"""`vertebra jobs`: what was trained and what trains now; steering it is in files beside."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from vertebra.cli import exit_codes, words
from vertebra.cli.clients import trainer_client
from vertebra.cli.command_group import CommandGroup
from vertebra.cli.curve_words import curves_of_series
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.experiment import experiment, named_flags, spec_options
from vertebra.cli.job_summary import history_of, main_result, print_summary, progress
from vertebra.cli.job_words import print_export, state_text
from vertebra.cli.jobs_download import download_export
from vertebra.cli.jobs_metrics import show_metrics
from vertebra.cli.jobs_snapshots import list_snapshots, pin_snapshot, unpin_snapshot
from vertebra.cli.jobs_steer import cancel_job, delete_job, pause_job, resume_job
from vertebra.cli.jobs_verify import verify_record
from vertebra.cli.live import Following, watch_to_end
from vertebra.cli.options import filter_options, joined_filter, json_option, trainer_option
from vertebra.cli.plan_words import plan_view
from vertebra.cli.pretrained_model import with_pretrained_model
from vertebra.cli.run_flags import label_filter, label_filter_option
from vertebra.cli.sample_words import sample_files, sample_table
from vertebra.cli.screen import print_json, print_json_list, screen, table
from vertebra.cli.sections import SectionedCommand
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient
from vertebra.watch_record import WatchRecord, write_record

EPOCH_SERIES = ("train/*", "validation/*")
"""Curves with a point an epoch."""

WIDE = 100
"""From so many columns on a list of jobs has room for backbones and times."""

COMMANDS = (
    cancel_job,
    pause_job,
    resume_job,
    delete_job,
    download_export,
    list_snapshots,
    pin_snapshot,
    unpin_snapshot,
    show_metrics,
    verify_record,
)
"""Those that have a file of their own."""


@click.group(cls=CommandGroup, commands=COMMANDS)
def jobs() -> None:
    """List, describe, watch, pause, resume, cancel and delete training jobs."""


@jobs.command("ls")
@filter_options("jobs")
@label_filter_option
@click.option("-q", "--quiet", is_flag=True, help="Print ids only, a line each.")
@trainer_option
@json_option
def list_jobs(**flags: Any) -> None:
    """List jobs, newest first.

    \b
    Example:
      vertebra jobs ls --filter 'state = running'
      vertebra jobs ls --label team=vision --order 'priority desc'
    """
    wanted = joined_filter(flags["filter_text"], *label_filter(flags["labels"]))
    with trainer_client(flags["trainer_address"]) as trainer:
        rows = list(trainer.list(wanted, flags["order_by"]))
    if flags["quiet"]:
        click.echo("".join(f"{one.job_id}\n" for one in rows), nl=False)
    elif flags["as_json"]:
        print_json_list("jobs", rows)
    else:
        print_rows(screen(), rows, is_filtered=bool(wanted))


@jobs.command("show", short_help="Describe one job on a page.")
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
    with trainer_client(trainer_address) as trainer:
        one = trainer.get(job) if job else newest(trainer)
        if as_json:
            print_json(one)
            return
        page = screen()
        hosts = {host.host_id: host.name for host in trainer.capacity().hosts}
        history = history_of(trainer.history(one.name))
        if not history.is_whole:
            kept = trainer.metrics(one.name, EPOCH_SERIES).series
            history = replace(history, curves=curves_of_series(kept))
        print_summary(page, one, history, hosts)
        for export in trainer.list_exports(one.name):
            page.print()
            print_export(page, export)
            if samples := sample_files(export):
                page.print()
                page.print(sample_table(samples))


@jobs.command("plan", cls=SectionedCommand, short_help="Say what an experiment would do.")
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
    with trainer_client(flags["trainer_address"]) as trainer, named_flags(flags["file"]):
        answer = trainer.plan(spec)
    if flags["as_json"]:
        print_json(answer)
    else:
        screen().print(plan_view(answer.plan, answer.spec))


@jobs.command("watch")
@click.argument("job", default="")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Write down what came and when, for `vertebra jobs verify`.",
)
@trainer_option
@json_option
def watch_job(job: str, record: Path | None, trainer_address: str, as_json: bool) -> int:
    """Show a job from its first event to its last. Exits with 1 when it failed.

    JOB is its id, or the beginning of it; without, the newest job.
    With --json, each line is an object with event, or with job and exports.

    \b
    Example:
      vertebra jobs watch 9f3c
    """
    with trainer_client(trainer_address) as trainer:
        one = trainer.get(job) if job else newest(trainer)
        openings: WatchRecord = []
        following = Following(record=openings if record else None)
        try:
            return watch_to_end(trainer, one.job_id, screen(), as_json=as_json, following=following)
        finally:
            if record is not None:
                write_record(record, openings)


def newest(trainer: TrainerClient) -> wire.TrainJob:
    """Return the job that was created last.

    Raises:
        CliFailed: there is none.
    """
    for one in trainer.list():
        return one
    raise CliFailed("there are no jobs; `vertebra train` starts one", exit_codes.REFUSED)


def print_rows(page: Console, rows: list[wire.TrainJob], *, is_filtered: bool) -> None:
    """Print a line a job; which columns there are depends on the page's width."""
    if not rows:
        none = "there are no jobs; `vertebra train` starts one"
        page.print("no job matches; `vertebra jobs ls` has all" if is_filtered else none)
        return
    is_wide = page.width >= WIDE
    backbone, created = (["BACKBONE"], ["CREATED"]) if is_wide else ([], [])
    lines = table("JOB", "STATE", *backbone, "PROGRESS", "RESULT", *created, "NAME")
    lines.columns[0].no_wrap = True  # an id that is cut is none
    lines.columns[-1].no_wrap, lines.columns[-1].overflow = False, "fold"
    for one in rows:
        lines.add_row(
            one.job_id[:8],
            state_text(one.state),
            *([one.spec.model.backbone.removeprefix("architectures/")] if is_wide else []),
            progress(one) or "-",
            main_result(one),
            *([words.when(one.create_time)] if is_wide else []),
            one.spec.display_name,
        )
    page.print(lines)
