"""Where bytes were looked for and what helps, as people read it."""

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import weights_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.screen import table
from vertebra.model.v1 import lineage_pb2

NUM_PUBLISHED = 8
"""Hex digits that torchvision's file names have."""

ANSWERS = {
    wire.TrailStep.OUTCOME_HIT: ("has it", "green"),
    wire.TrailStep.OUTCOME_ABSENT: ("absent", "dim"),
    wire.TrailStep.OUTCOME_WRONG_DIGEST: ("wrong bytes", "red"),
    wire.TrailStep.OUTCOME_UNREADABLE: ("unreadable", "red"),
    wire.TrailStep.OUTCOME_OFFLINE: ("offline", "yellow"),
    wire.TrailStep.OUTCOME_REFUSED: ("not allowed", "yellow"),
    wire.TrailStep.OUTCOME_UNREACHABLE: ("no answer", "yellow"),
    wire.TrailStep.OUTCOME_GATED: ("gated", "yellow"),
    wire.TrailStep.OUTCOME_SERVER_ERROR: ("failed", "red"),
    wire.TrailStep.OUTCOME_NOT_ASKED: ("not asked", "dim"),
}
"""How a step ended, in a word, and in which colour."""

UNREMARKABLE = {
    wire.TrailStep.OUTCOME_HIT,
    wire.TrailStep.OUTCOME_ABSENT,
    wire.TrailStep.OUTCOME_NOT_ASKED,
}
"""What nobody has to mend."""


def answer(step: wire.TrailStep) -> tuple[str, str]:
    """Return how a step ended, in a word, and its colour."""
    return ANSWERS.get(step.outcome, ("", ""))


def trail_table(steps: Iterable[wire.TrailStep]) -> Table:
    """Return the locations in their order, what each said, and why or where."""
    rows = table("LOCATION", "ANSWER", "WHY OR WHERE")
    rows.columns[2].no_wrap = False
    rows.columns[2].overflow = "fold"
    for step in steps:
        word, style = answer(step)
        why = step.detail or step.place
        rows.add_row(step.location, Text(word, style=style), why if why != word else "")
    return rows


def where(step: wire.TrailStep) -> str:
    """Return a location and the file or URL there."""
    return " ".join(part for part in (step.location, step.place) if part)


def troubles(steps: Iterable[wire.TrailStep]) -> str:
    """Return a line for each location that somebody should look at; empty where there is none."""
    return "\n".join(
        f"{step.location}: {step.detail or answer(step)[0]}"
        for step in steps
        if step.outcome not in UNREMARKABLE
    )


def remedies(found: Iterable[wire.Remedy]) -> Table:
    """Return what helps, the best first; URLs that the sentences lack behind them."""
    rows = Table.grid(padding=(0, 2, 0, 0))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    for remedy in found:
        url = f" {remedy.url}" if remedy.url not in remedy.text else ""
        rows.add_row(words.word(wire.Remedy.Kind.Name(remedy.kind), "KIND_"), remedy.text + url)
    return rows


def proof(kind: lineage_pb2.DigestProof) -> str:
    """Return what a file's sha256 is compared with."""
    if kind == lineage_pb2.DIGEST_PROOF_FULL:
        return "all of it was known before"
    if kind == lineage_pb2.DIGEST_PROOF_PREFIX:
        return f"its first {NUM_PUBLISHED} digits are published"
    if kind == lineage_pb2.DIGEST_PROOF_FIRST_USE:
        return "none is published; the first copy is trusted and remembered"
    return ""
