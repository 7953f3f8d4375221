"""`vertebra cache`: what the catalog's store holds, whether it is right, what may go."""

import getpass
import re
import time

import click
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table

from vertebra.catalog.v1 import storage_service_pb2 as wire
from vertebra.cli import exit_codes, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.command_group import CommandGroup
from vertebra.cli.options import catalog_option, filter_options, json_option
from vertebra.cli.screen import facts, print_json, print_json_list, screen, table

KINDS = {
    "weights": wire.ENTRY_KIND_WEIGHTS,
    "checkpoint": wire.ENTRY_KIND_CHECKPOINT,
    "model": wire.ENTRY_KIND_MODEL,
    "upload": wire.ENTRY_KIND_UPLOAD,
}
KIND_WORDS = {number: name for name, number in KINDS.items()}

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def num_bytes(text: str) -> int:
    """Return the bytes of `50GB`, `1.5GiB` or `0`.

    Raises:
        click.BadParameter: it is no size.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no size; write 50GB, 1.5GiB or 0")
    number, unit, is_binary = found.groups()
    return int(float(number) * (1024 if is_binary else 1000) ** _POWERS[unit.lower()])


def _owner() -> str:
    """Return who pins unless they say otherwise."""
    try:
        user = re.sub(r"[^a-zA-Z0-9_.-]", "_", getpass.getuser())
    except (KeyError, OSError):  # a container's user without a name
        user = ""
    return f"cli/{user or 'somebody'}"


owner_option = click.option(
    "--owner", default=_owner, show_default="cli/<your login>", help="Who wants it to stay."
)
names_argument = click.argument("names", metavar="NAME...", nargs=-1, required=True)


@click.group(cls=CommandGroup)
def cache() -> None:
    """List, verify, prune and pin what the catalog stores."""


@cache.command("ls")
@filter_options("cache")
@catalog_option
@json_option
def list_cache(filter_text: str, order_by: str, catalog_address: str, as_json: bool) -> None:
    """List what the store holds, the most recently used first.

    \b
    Example:
      vertebra cache ls --filter 'kind = model' --order-by 'size_bytes desc'
    """
    with catalog_client(catalog_address) as catalog:
        rows = list(catalog.storage.list_entries(filter_text, order_by))
        state = catalog.storage.state()
    if as_json:
        print_json_list("entries", rows)
        return
    page = screen()
    if rows:
        page.print(entries_table(rows))
        page.print()
    page.print(state_facts(state))


@cache.command("verify")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@catalog_option
@json_option
def verify_cache(names: tuple[str, ...], catalog_address: str, as_json: bool) -> int:
    """Read every stored byte again and compare it with its digest; needs no network.

    NAME is `blobs/sha256:...`, a weight or a checkpoint; without one, everything is read. Ends with
    4 where something is wrong.

    \b
    Example:
      vertebra cache verify
      vertebra cache verify resnet50 checkpoints/letters
    """
    page = screen()
    with catalog_client(catalog_address) as catalog, page.status("reading the store") as status:

        def show(event: wire.VerifyProgress | wire.CorruptEntry) -> None:
            if isinstance(event, wire.VerifyProgress):
                status.update(progress_line(event))

        found = catalog.storage.verify(names, on_progress=show)
    if as_json:
        print_json_list("corrupt", found.corrupt)
    else:
        _print_verified(page, found.summary)
    for one in found.corrupt:
        exit_codes.show(click.ClickException(one.text))
    return exit_codes.REFUSED if found.corrupt else exit_codes.OK


@cache.command("prune")
@click.option("--to", "target_bytes", type=num_bytes, metavar="SIZE", help="Such as 50GB, or 0.")
@click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), help="Only these; repeatable."
)
@click.option("--quarantine", is_flag=True, help="Also delete bad files that are kept to look at.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@catalog_option
@json_option
def prune_cache(
    target_bytes: int | None,
    kinds: tuple[str, ...],
    quarantine: bool,
    dry_run: bool,
    catalog_address: str,
    as_json: bool,
) -> None:
    """Remove what can be had again, least recently used first.

    Without --to, down to the budget of the catalog's settings. What is pinned, in use, or the only
    copy of a checkpoint always stays.

    \b
    Example:
      vertebra cache prune --to 50GB --dry-run
      vertebra cache prune --to 0 --kind model
    """
    with catalog_client(catalog_address) as catalog:
        pruned = catalog.storage.prune(
            target_bytes=target_bytes,
            kinds=[KINDS[kind] for kind in kinds],
            quarantine=quarantine,
            dry_run=dry_run,
        )
    if as_json:
        print_json(pruned)
    else:
        print_pruned(screen(), pruned, dry_run=dry_run)


@cache.command("pin")
@names_argument
@owner_option
@catalog_option
@json_option
def pin(names: tuple[str, ...], owner: str, catalog_address: str, as_json: bool) -> None:
    """Keep blobs, weights or checkpoints from being evicted.

    \b
    Example:
      vertebra cache pin resnet50 checkpoints/letters
    """
    with catalog_client(catalog_address) as catalog:
        _print_pinned(catalog.storage.pin(names, owner=owner), as_json=as_json)


@cache.command("unpin")
@names_argument
@owner_option
@catalog_option
@json_option
def unpin(names: tuple[str, ...], owner: str, catalog_address: str, as_json: bool) -> None:
    """Take pins away; those of other owners stay.

    \b
    Example:
      vertebra cache unpin resnet50
    """
    with catalog_client(catalog_address) as catalog:
        _print_pinned(catalog.storage.unpin(names, owner=owner), as_json=as_json)


def entries_table(rows: list[wire.CacheEntry]) -> Table:
    """Return a line for each blob; where there is little room, the last two columns wrap."""
    lines = table("BLOB", "KIND", "SIZE", "IDLE", "FOR", "STAYS BECAUSE", right=("SIZE", "IDLE"))
    for column in lines.columns[:4]:
        column.no_wrap = True
    for column in lines.columns[4:]:
        column.no_wrap, column.overflow = False, "fold"
    for one in rows:
        lines.add_row(
            words.short_digest(one.blob.digest),
            KIND_WORDS.get(one.kind, "?"),
            words.size(one.blob.size_bytes),
            idle(time.time() - one.last_used_time.ToNanoseconds() / 1e9),
            words.listed([_short_name(name) for name in one.used_by], limit=1),
            one.kept_because,
        )
    return lines


def idle(seconds: float) -> str:
    """Return how long ago something was used: `now`, `5 min`, `3 h` or `12 d`."""
    for unit, unit_s in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= unit_s:
            return f"{seconds // unit_s:.0f} {unit}"
    return "now"


def state_facts(state: wire.ListEntriesResponse) -> Table:
    """Return how the store stands."""
    budget = f" of {words.size(state.budget_bytes)}" if state.budget_bytes else ", no budget"
    quarantined = ""
    if state.num_quarantined:
        files = words.plural(state.num_quarantined, "file")
        quarantined = f"{files}, {words.size(state.quarantined_bytes)}"
    return facts(
        ("stored", f"{words.plural(state.total_size, 'blob')}, "
                   f"{words.size(state.total_bytes)}{budget}"),
        ("free", words.size(state.free_bytes)),
        ("quarantine", quarantined),
        ("note", "the store is read-only: nothing new is kept" if state.is_read_only else ""),
    )  # fmt: skip


def progress_line(progress: wire.VerifyProgress) -> Table:
    """Return a bar and how far it is."""
    line = Table.grid(padding=(0, 1, 0, 0))
    done, total = progress.bytes_done, progress.bytes_total
    line.add_row(
        ProgressBar(total=total or 1, completed=done, width=30),
        f"{words.size(done)} of {words.size(total)}, "
        f"{progress.num_done} of {words.plural(progress.num_total, 'blob')}",
    )
    return line


def print_pruned(page: Console, pruned: wire.PruneCacheResponse, *, dry_run: bool) -> None:
    """Print what went, or would go."""
    if pruned.removed:
        page.print(entries_table(list(pruned.removed)))
        page.print()
    verb = "would go" if dry_run else "removed"
    blobs = f"{words.plural(pruned.num_removed, 'blob')}, {words.size(pruned.removed_bytes)}"
    kept = f"{words.plural(pruned.num_kept, 'blob')}, {words.size(pruned.kept_bytes)}"
    page.print(
        facts(
            (verb, blobs),
            ("quarantine", words.size(pruned.quarantine_bytes) if pruned.quarantine_bytes else ""),
            ("left", words.size(pruned.total_bytes)),
            ("must stay", f"{kept}: pinned, in use, or only copies" if pruned.num_kept else ""),
        )
    )


def _print_verified(page: Console, summary: wire.VerifySummary) -> None:
    blobs = words.plural(summary.num_verified, "blob")
    page.print(f"{blobs}, {words.size(summary.bytes_verified)}: every byte is as it was stored")
    if summary.num_corrupt:
        page.print(f"{words.plural(summary.num_corrupt, 'blob')} with other bytes:")


def _print_pinned(entries: list[wire.CacheEntry], *, as_json: bool) -> None:
    if as_json:
        print_json_list("entries", entries)
        return
    lines = table("BLOB", "KIND", "SIZE", "FOR", "PINNED BY", right=("SIZE",))
    for one in entries:
        lines.add_row(
            words.short_digest(one.blob.digest),
            KIND_WORDS.get(one.kind, "?"),
            words.size(one.blob.size_bytes),
            words.listed([_short_name(name) for name in one.used_by], limit=1),
            words.listed(list(one.pins)) or "nobody",
        )
    screen().print(lines)


def _short_name(name: str) -> str:
    """Return a name that fits into a column: a model's digits are not for people."""
    if name.startswith("models/"):
        return name[: len("models/") + 8]
    return name.removeprefix("torchvision/")
