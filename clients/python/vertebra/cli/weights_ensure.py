"""`vertebra weights ensure`: weights brought into the catalog's store, now and not when needed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import click
from rich.console import Console
from rich.table import Table

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import exit_codes, trail_words, words
from vertebra.cli.clients import catalog_client
from vertebra.cli.ensure_view import EnsureRow, live_rows
from vertebra.cli.exit_codes import CliFailed
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json_list, screen, table, title
from vertebra.client_errors import RpcFailed

MAX_AT_ONCE = 4
"""More would share the same network."""

Outcome = wire.EnsuredWeights | CliFailed


@click.command("ensure")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@catalog_option
@json_option
def ensure_weights(names: tuple[str, ...], catalog_address: str, as_json: bool) -> int:
    """Bring weights into the catalog's store: found or downloaded, proven, converted.

    NAME is a weight, a repository of the hub, an architecture for its default, or a checkpoint.
    Ctrl-C leaves the catalog at it; the same command joins again.

    \b
    Example:
      vertebra weights ensure resnet50
      vertebra weights ensure resnet18 vit_b_16 facebook/dinov3-vits16-pretrain-lvd1689m
    """
    page = screen()
    try:
        outcomes = _ensured(page, catalog_address, names)
    except KeyboardInterrupt:
        click.echo("\nthe catalog goes on without you; the same command joins again", err=True)
        return exit_codes.INTERRUPTED
    good = [one for one in outcomes if isinstance(one, wire.EnsuredWeights)]
    if as_json:
        print_json_list("weights", good)
    elif len(names) == 1:
        for one in good:
            print_ensured(page, one)
    elif good:
        page.print(ensured_table(good))
    failures = [one for one in outcomes if isinstance(one, CliFailed)]
    for failure in failures:
        exit_codes.show(failure)
    return failures[0].exit_code if failures else exit_codes.OK


def _ensured(page: Console, address: str, names: Sequence[str]) -> list[Outcome]:
    """Return what became of each name, in their order."""
    rows = [EnsureRow(name) for name in names]
    with ThreadPoolExecutor(MAX_AT_ONCE) as threads, catalog_client(address) as catalog:

        def ensure(name: str, row: EnsureRow) -> Outcome:
            try:
                weights = catalog.ensure_weights(name, on_progress=row.take)
            except RpcFailed as error:
                row.end("failed")
                failure = exit_codes.described(error)
                assert failure is not None
                return failure
            row.end("is in the store")
            return weights

        running = [threads.submit(ensure, *pair) for pair in zip(names, rows, strict=True)]
        try:
            with live_rows(page, rows):
                return [each.result() for each in running]
        except KeyboardInterrupt:
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def print_ensured(page: Console, one: wire.EnsuredWeights) -> None:
    """Print what is in the store now, where it came from and how it was proven."""
    page.print(title(one.reference, "  is in the store\n"))
    hit = one.trail[-1] if one.trail else wire.TrailStep()
    page.print(
        facts(
            ("for", one.architecture_id),
            ("from", trail_words.where(hit)),
            ("left", trail_words.troubles(one.trail[:-1])),
            ("sha256", _source(one)),
            ("renamed", words.listed(one.rules)),
            ("not taken", words.listed(one.ignored)),
            ("not finite", words.listed(one.non_finite)),
            ("licence", one.licence),
            ("blob", f"{words.short_digest(one.blob.digest)}, {words.size(one.blob.size_bytes)}"),
        )
    )


def ensured_table(rows: Sequence[wire.EnsuredWeights]) -> Table:
    """Return a line for each weight."""
    lines = table("WEIGHT", "SIZE", "FROM", right=("SIZE",))
    for one in rows:
        lines.add_row(
            one.reference.removeprefix("torchvision/"),
            words.size(one.blob.size_bytes),
            one.trail[-1].location if one.trail else "",
        )
    return lines


def _source(one: wire.EnsuredWeights) -> str:
    proof = trail_words.proof(one.source_proof)
    digits = words.short_digest(one.source_digest)
    return f"{digits}...; {proof}" if digits and proof else ""
