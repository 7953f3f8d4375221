"""`vertebra models advise`: how to fine-tune for a data set, and from which weights."""

import re
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vertebra.catalog.v1 import model_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.clients import catalog_client
from vertebra.cli.fitting_table import AT_HAND, fitting_table
from vertebra.cli.model_options import OPTION_OF_FIELD, TASKS, named_options
from vertebra.cli.models_list import gflops
from vertebra.cli.options import catalog_option, json_option
from vertebra.cli.screen import facts, print_json, screen
from vertebra.cli.sections import SectionedCommand
from vertebra.cli.written_values import MAX_AMOUNT, amount, count, num_bytes, parsed

OPTIONS = {
    **OPTION_OF_FIELD,
    "num_images": "--images",
    "num_classes": "--classes",
    "max_memory_bytes": "--memory",
    "architectures": "--architecture",
    "licences": "--licence",
    "task": "--task",
    "likeness": "--likeness",
    "max_parameters": "--max-parameters",
    "max_gflops": "--max-gflops",
    "max_candidates": "--candidates",
}
"""The last word of a field's path -> the option that sets it."""


@click.command(cls=SectionedCommand)
@click.option("--task", "for_task", type=click.Choice(TASKS), default="classification",
              show_default=True, help="What is to be learned.")  # fmt: skip
@click.option(
    "--images",
    type=click.IntRange(min=0, max=MAX_AMOUNT),
    metavar="N",
    required=True,
    help="Labelled images.",
)
@click.option("--classes", callback=parsed(count), metavar="N", help="How many classes.")
@click.option(
    "--likeness",
    type=click.Choice(["similar", "different"]),
    default=None,
    help="To photographs of things: medical images and drawings are different.",
)
@click.option("--memory", callback=parsed(num_bytes), metavar="SIZE", help="For training: 8GB.")
@click.option("--batch", callback=parsed(count), metavar="N", help="Images a step; 32.")
@click.option("--licence", multiple=True, metavar="ID", help="Allowed; may be given again.")
@click.option(
    "--architecture", multiple=True, metavar="NAME", help="Only this one; again for more."
)
@click.option("--max-parameters", callback=parsed(amount), metavar="N", help="At most: 30M.")
@click.option("--max-gflops", type=click.FloatRange(min=0), help="At most.")
@click.option("--candidates", callback=parsed(count), metavar="N", help="How many to show; 5.")
@click.option("--cached", is_flag=True, help="Only weights that are at hand.")
@catalog_option
@json_option
def advise(**flags: Any) -> None:
    """Advise a freeze mode, learning rates and weights.

    For a data set of that size and likeness, each with its reason.

    \b
    Example:
      vertebra models advise --images 80 --classes 3 --likeness different --memory 8GB
    """
    request = wire.AdviseTransferRequest(
        task=flags["for_task"],
        num_images=flags["images"],
        num_classes=flags["classes"] or 0,
        likeness=flags["likeness"] or "",
        architectures=flags["architecture"],
        max_memory_bytes=flags["memory"] or 0,
        batch_size=flags["batch"] or 0,
        licences=flags["licence"],
        max_parameters=flags["max_parameters"] or 0,
        max_gflops=flags["max_gflops"] or 0,
        max_candidates=flags["candidates"] or 0,
        cached_only=flags["cached"],
    )
    with catalog_client(flags["catalog_address"]) as catalog, named_options(OPTIONS):
        answer = catalog.advise_transfer(request)
    if flags["as_json"]:
        print_json(answer)
    else:
        print_advice(screen(), answer, is_trained=request.task == "classification")


def print_advice(page: Console, one: wire.AdviseTransferResponse, *, is_trained: bool) -> None:
    """Print how to train, from what, why, and what to type."""
    advice = one.advice
    page.print(
        facts(
            ("freeze", Text(advice.freeze_mode, style="bold cyan")),
            ("learning rate", _rates(advice)),
            ("epochs", str(advice.num_epochs)),
            ("weight decay", f"{advice.weight_decay:g}"),
            ("augmentation", advice.augmentation),
            ("because", "\n".join(advice.reasons)),
            ("else try", "\n".join(advice.alternatives)),
        )
    )
    page.print()
    if not one.candidates:
        page.print("no published weights are left")
    else:
        page.print(_candidates(page, one))
        page.print()
        page.print(_reasons(one))
        page.print()
    for line in one.excluded:
        page.print(line, style="dim")
    if one.candidates and is_trained:
        page.print(f"next: {_command(one)}", style="dim", soft_wrap=True)


def _rates(advice: wire.TransferAdvice) -> str:
    backbone = f", backbone {advice.backbone_lr:g}" if advice.backbone_lr else ""
    return f"head {advice.head_lr:g}{backbone}"


def _candidates(page: Console, one: wire.AdviseTransferResponse) -> Table:
    modes = [row.freeze_mode or one.advice.freeze_mode for row in one.candidates]
    is_asked = all(mode == one.advice.freeze_mode for mode in modes)
    rows = [
        {
            "MODEL": row.architecture,
            "RESULT": f"{row.metric_value:.2f} {row.metric_name}" if row.metric_name else "",
            "PARAMS": words.count(row.num_parameters),
            "GFLOPS": gflops(row.gflops),
            "MEMORY": words.size(row.training_memory_bytes) if row.training_memory_bytes else "",
            "FREEZE": "" if is_asked else mode,
            "LICENCE": licence_word(row.licence),
            AT_HAND: AT_HAND if row.is_cached else "",
        }
        for row, mode in zip(one.candidates, modes, strict=True)
    ]
    return fitting_table(page, rows, droppable=("LICENCE", "GFLOPS", "PARAMS"))


def licence_word(text: str) -> str:
    """Return `facebookresearch/SWAG` for a long address; a short word as it is."""
    found = re.match(r"https?://[^/]+/([^/]+/[^/]+)", text)
    return found[1] if found else text


def _reasons(one: wire.AdviseTransferResponse) -> Table:
    """Return each candidate's weights and reasons; what is so for all of them is said once."""
    shared = [
        reason
        for reason in one.candidates[0].reasons
        if len(one.candidates) > 1 and all(reason in row.reasons for row in one.candidates)
    ]
    lines = [
        (
            row.architecture,
            "; ".join([row.weights, *(text for text in row.reasons if text not in shared)]),
        )
        for row in one.candidates
    ]
    return facts(*lines, ("all", "; ".join(shared)))


def _command(one: wire.AdviseTransferResponse) -> str:
    """Return how the first candidate is trained."""
    first = one.candidates[0]
    mode = re.sub(r"\((\d+)\)$", r"=\1", first.freeze_mode or one.advice.freeze_mode)
    lr = one.advice.head_lr if mode == "frozen_backbone" else one.advice.backbone_lr
    words_of = {
        "--backbone": first.architecture,
        "--weights": first.weights,
        "--data": "FOLDER",
        "--freeze": mode,
        "--lr": f"{lr or one.advice.head_lr:g}",
        "--epochs": str(one.advice.num_epochs),
        "--augment": one.advice.augmentation.replace("none", ""),
    }
    return " ".join(
        ["vertebra train", *(f"{flag} {word}" for flag, word in words_of.items() if word)]
    )
