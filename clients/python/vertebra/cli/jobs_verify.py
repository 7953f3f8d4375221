"""`vertebra jobs verify`: whether a trainer kept its promises to who watched a job."""

from pathlib import Path

import click

from vertebra.cli import exit_codes, words
from vertebra.cli.clients import trainer_client
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.options import trainer_option
from vertebra.cli.screen import screen
from vertebra.watch_checker import violations
from vertebra.watch_record import WatchRecord, read_record

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify", short_help="Check a record of `jobs watch --record`.")
@click.argument("file", type=FILE)
@click.argument("job", default="")
@trainer_option
def verify_record(file: Path, job: str, trainer_address: str) -> int:
    """Check a record of `jobs watch --record` against the contract's six promises.

    Ordered, Unique, Reliable, Atomic, Resumable, Bookmarkable: each that was broken is named. With
    JOB, what came is also compared with what the trainer has stored. Exits with 4 if not all is
    well.

    \b
    Example:
      vertebra jobs verify watch.jsonl 9f3c
    """
    openings = _record(file)
    with trainer_client(trainer_address) as trainer:
        stored = list(trainer.history(job)) if job else []
    found = violations(openings, stored)
    page = screen()
    for one in found:
        page.print(str(one))
    num_events = sum(len(told.message.events.events) for one in openings for told in one.messages)
    read = f"{words.plural(num_events, 'event')} in {words.plural(len(openings), 'opening')}"
    kept = f"{words.plural(len(found), 'broken promise')}" if found else "every promise was kept"
    page.print(f"{read}: {kept}")
    return exit_codes.REFUSED if found else exit_codes.OK


def _record(file: Path) -> WatchRecord:
    try:
        return read_record(file)
    except ValueError as error:
        raise CliFailed(str(error), exit_codes.USAGE) from error
