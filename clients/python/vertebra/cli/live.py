"""Follows a job to its end: for people with a bar that moves, for programs as lines of JSON."""

from dataclasses import asdict, dataclass

import click
from rich.console import Console

from vertebra.cli import exit_codes
from vertebra.cli.job_words import how_to_go_on, print_outcome
from vertebra.cli.live_bar import live_bar
from vertebra.cli.live_job import LiveJob
from vertebra.cli.screen import print_json_line
from vertebra.event_cursor import EventGap
from vertebra.trainer.v1 import train_event_pb2 as events
from vertebra.trainer.v1 import train_job_pb2 as jobs
from vertebra.trainer_client import OnEvent, TrainerClient
from vertebra.watch_record import WatchRecord
from vertebra.wire_json import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """Where a watch begins, and where what comes is recorded."""

    after_seq: int = 0
    """The last event that is not shown."""
    record: WatchRecord | None = None


WHOLE_JOB = Following()
"""From the first event on."""


def follow_job(
    client: TrainerClient,
    name: str,
    console: Console,
    *,
    on_event: OnEvent | None = None,
    shows_plan: bool = True,
    following: Following = WHOLE_JOB,
) -> jobs.TrainJob:
    """Show a job from its first event to its last, and return it in its final state.

    Args:
        name: the job's name or id.
        on_event: called with every event after it was shown.
        shows_plan: print which parameters train and which stay, once the worker has planned.
        following: where the watch begins, and whether it is recorded.

    Raises:
        RpcFailed: JOB_NOT_FOUND; or no contact for too long.
    """
    with live_bar(console) as bar:
        watching = LiveJob(
            bar, client.get(name), shows_plan=shows_plan, goes_on=following.after_seq > 0
        )

        def show(event: events.TrainEvent) -> None:
            watching.show(event)
            if on_event is not None:
                on_event(event)

        after_seq, record = following.after_seq, following.record
        return client.wait(
            name, on_event=show, on_gap=watching.miss, after_seq=after_seq, record=record
        )


def watch_to_end(
    client: TrainerClient,
    name: str,
    page: Console,
    *,
    as_json: bool,
    shows_plan: bool = True,
    following: Following = WHOLE_JOB,
) -> int:
    """Show a job to its end and return the exit code; interrupting leaves it running."""
    try:
        if as_json:
            job = _print_to_end(client, name, following)
        else:
            job = follow_job(client, name, page, shows_plan=shows_plan, following=following)
    except KeyboardInterrupt:
        click.echo(f"\nthe job goes on without you\n{how_to_go_on(name)}", err=True)
        return exit_codes.INTERRUPTED
    exports = list(client.list_exports(job.name))
    if as_json:
        print_json_line({"job": to_json(job), "exports": [to_json(one) for one in exports]})
    else:
        print_outcome(page, job, exports)
    has_succeeded = job.state == jobs.JOB_STATE_SUCCEEDED
    return exit_codes.OK if has_succeeded else exit_codes.JOB_FAILED


def _print_to_end(client: TrainerClient, name: str, following: Following) -> jobs.TrainJob:
    return client.wait(
        name,
        on_event=_print_event,
        on_gap=_print_gap,
        after_seq=following.after_seq,
        record=following.record,
    )


def _print_event(event: events.TrainEvent) -> None:
    print_json_line({"event": to_json(event)})


def _print_gap(gap: EventGap) -> None:
    print_json_line({"gap": asdict(gap)})
