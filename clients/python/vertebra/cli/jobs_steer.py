"""`vertebra jobs cancel|pause|resume|delete`: what a person can do with jobs under way."""

from collections.abc import Callable

import click

from vertebra.cli import exit_codes
from vertebra.cli.clients import trainer_client
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.job_words import going_on_text
from vertebra.cli.live import Following, watch_to_end
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.screen import is_terminal, print_json, print_json_list, screen, title
from vertebra.cli.snapshot_words import snapshot_name
from vertebra.cli.written_values import parsed, seconds
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

_jobs_argument = click.argument("jobs", nargs=-1, required=True, metavar="JOB...")
_reason_option = click.option("--reason", default="", help="Kept in the job's events.")


@click.command("cancel")
@_jobs_argument
@_reason_option
@trainer_option
@json_option
def cancel_job(jobs: tuple[str, ...], reason: str, trainer_address: str, as_json: bool) -> int:
    """Stop jobs. A running one needs a few seconds.

    \b
    Example:
      vertebra jobs cancel 9f3c --reason 'wrong data'
    """
    with trainer_client(trainer_address) as trainer:
        found, refused = _each(jobs, lambda job: trainer.cancel(job, reason))
    _print_states(found, as_json=as_json, is_one=len(jobs) == 1)
    return _code_of(refused)


@click.command("pause", short_help="Save snapshots of jobs and free their devices.")
@_jobs_argument
@_reason_option
@click.option(
    "--within",
    "within_s",
    metavar="TIME",
    callback=parsed(seconds),
    help="How long saving may take; 120 s.",
)
@click.option("--no-wait", is_flag=True, help="Return before the snapshot is saved.")
@trainer_option
@json_option
def pause_job(
    jobs: tuple[str, ...],
    reason: str,
    within_s: float | None,
    no_wait: bool,
    trainer_address: str,
    as_json: bool,
) -> int:
    """Save snapshots of jobs and free their devices; `vertebra jobs resume` goes on from there.

    Exits with 1 when a job could not be saved: it goes on, and says why.

    \b
    Example:
      vertebra jobs pause 9f3c
      vertebra jobs pause $(vertebra jobs ls -q --label team=vision --filter 'state = running')
    """
    with trainer_client(trainer_address) as trainer:
        asked, refused = _each(jobs, lambda job: trainer.pause(job, reason, within_s=within_s))
        found = asked if no_wait else [_settled(trainer, job) for job in asked]
    _print_states(found, as_json=as_json, is_one=len(jobs) == 1)
    went_on = any(job.state == wire.JOB_STATE_RUNNING for job in found)
    return _code_of(refused) or (exit_codes.JOB_FAILED if went_on else exit_codes.OK)


@click.command("resume", short_help="Put jobs that stopped back into the queue.")
@_jobs_argument
@_reason_option
@click.option(
    "--from",
    "snapshot",
    metavar="SNAPSHOT",
    default="",
    help="One of `vertebra jobs snapshots`; else the newest.",
)
@click.option("--watch", is_flag=True, help="Show the job from here to its end.")
@trainer_option
@json_option
def resume_job(
    jobs: tuple[str, ...],
    reason: str,
    snapshot: str,
    watch: bool,
    trainer_address: str,
    as_json: bool,
) -> int:
    """Put jobs that were paused, failed or were cancelled back into the queue.

    They go on from their newest snapshot, or from the start where there is none.

    \b
    Example:
      vertebra jobs resume 9f3c --watch
      vertebra jobs resume 9f3c --from 2-1500
    """
    if (watch or snapshot) and len(jobs) > 1:
        raise click.UsageError("--watch and --from take one job")
    with trainer_client(trainer_address) as trainer:
        name = snapshot_name(trainer.get(jobs[0]).name, snapshot) if snapshot else ""
        found, refused = _each(jobs, lambda job: trainer.resume(job, reason, snapshot=name))
        if not watch or not as_json:
            _print_states(found, as_json=as_json, is_one=len(jobs) == 1)
        if not watch:
            return _code_of(refused)
        (job,) = found
        following = Following(after_seq=job.last_seq)
        return watch_to_end(
            trainer, job.job_id, screen(), as_json=as_json, following=following, shows_plan=False
        )


@click.command("delete", short_help="Delete jobs that are over, and their files.")
@_jobs_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
@trainer_option
@json_option
def delete_job(jobs: tuple[str, ...], yes: bool, trainer_address: str, as_json: bool) -> None:
    """Delete jobs that are over or paused: events, curves, snapshots and files.

    With --json they are told as they were.

    What the catalog registered stays there.

    \b
    Example:
      vertebra jobs delete 9f3c --yes
    """
    with trainer_client(trainer_address) as trainer:
        found = [trainer.get(job) for job in jobs]
        if not yes:
            _confirm(found)
        for job in found:
            trainer.delete(job.name)
            if not as_json:
                screen().print(title(job.job_id, "  is deleted"))
    if as_json:
        _print_states(found, as_json=True, is_one=len(jobs) == 1)


def _each(
    jobs: tuple[str, ...], ask: Callable[[str], wire.TrainJob]
) -> tuple[list[wire.TrainJob], list[CliFailed]]:
    """Return what became of each job, and what was refused: one of several keeps no other."""
    found, refused = [], []
    for job in jobs:
        try:
            found.append(ask(job))
        except Exception as error:
            failure = exit_codes.described(error)
            if failure is None or failure.exit_code == exit_codes.UNREACHABLE or len(jobs) == 1:
                raise
            refused.append(failure)
    return found, refused


def _code_of(refused: list[CliFailed]) -> int:
    """Say what was refused; return the code of the first."""
    for failure in refused:
        exit_codes.show(failure)
    return refused[0].exit_code if refused else exit_codes.OK


def _settled(trainer: TrainerClient, job: wire.TrainJob) -> wire.TrainJob:
    """Return the job once it pauses no more."""
    if job.state != wire.JOB_STATE_PAUSING:
        return job
    with screen().status("saving"):
        for event in trainer.watch(job.name, job.last_seq, on_gap=lambda gap: None):
            if event.state_changed.to_state not in (wire.JOB_STATE_UNSPECIFIED, job.state):
                break
    return trainer.get(job.name)


def _confirm(found: list[wire.TrainJob]) -> None:
    """Ask on a terminal. Raises CliFailed elsewhere: a script has to say what it means."""
    if not is_terminal():
        raise CliFailed("nothing is deleted unasked: add --yes", exit_codes.USAGE)
    for job in found:
        state = wire.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()
        click.echo(f"{job.job_id}  {state}  {job.spec.display_name}".rstrip())
    click.confirm("delete with all files?", abort=True)


def _print_states(found: list[wire.TrainJob], *, as_json: bool, is_one: bool) -> None:
    """Print states; as JSON, one job that was asked for is an object, several are a list."""
    if as_json:
        print_json(found[0]) if is_one else print_json_list("jobs", found)
        return
    page = screen()
    for job in found:
        page.print(title(job.job_id, "  ").append_text(going_on_text(job)))
