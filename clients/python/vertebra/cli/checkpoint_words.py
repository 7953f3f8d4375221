"""Checkpoints in words: a table, and one at length."""

from collections.abc import Sequence

from google.protobuf import json_format
from rich.console import Console
from rich.table import Table

from vertebra.catalog.v1 import checkpoint_service_pb2 as wire
from vertebra.cli import words
from vertebra.cli.screen import facts, table, title
from vertebra.model.v1 import lineage_pb2, model_spec_pb2

NUM_RESULTS = 20
"""Rows of results that a page shows."""


def print_rows(page: Console, rows: list[wire.Checkpoint]) -> None:
    """Write a table of checkpoints, or how to make one."""
    if not rows:
        page.print("no checkpoint matches; `vertebra train ... --register-as NAME` makes one")
        return
    lines = table("CHECKPOINT", "ARCHITECTURE", "METHOD", "PARENT", "CREATED")
    for one in rows:
        lines.add_row(
            one.name,
            one.architecture_id,
            one.lineage.method or "-",
            one.lineage.parent.removeprefix("torchvision/") or "-",
            words.when(one.create_time) if one.has_bytes else "no bytes yet",
        )
    page.print(lines)


def print_registered(page: Console, one: wire.Checkpoint) -> None:
    """Write what a registration made."""
    what = " is registered for " if one.has_bytes else " is listed, without bytes, for "
    page.print(title(one.name, f"{what}{one.architecture_id}\n"))
    page.print(facts(*_numbers(one), *_remedies(one), *_licence(one), _use(one)))


def print_checkpoint(page: Console, one: wire.Checkpoint) -> None:
    """Write everything that is known of a checkpoint."""
    page.print(title(one.name, f", a backbone of {one.architecture_id}\n"))
    page.print(
        facts(
            *_numbers(one),
            *_origin(one.lineage),
            *_training(one.lineage),
            *_licence(one),
            ("reported", ", ".join(f"{name} {value:g}" for name, value in one.metrics.items())),
            *_remedies(one),
            ("created", words.when(one.create_time)),
            _use(one),
        )
    )
    if one.lineage.results:
        page.print(_results(one.lineage.results))


def _numbers(one: wire.Checkpoint) -> list[tuple[str, str]]:
    report = one.load_report
    if not one.has_bytes:
        return [("file", words.short_digest(one.source_digest))]
    return [
        ("tensors", f"{report.num_loaded} of {report.num_expected}"),
        ("left out", words.listed(report.dropped)),
        ("rules", words.listed(report.rules)),
        ("structure", _structure_words(one.structure)),
        ("backbone digest", words.short_digest(one.backbone_digest)),
    ]


def _origin(lineage: lineage_pb2.Lineage) -> list[tuple[str, str]]:
    images = f"{lineage.num_images:,} images" if lineage.num_images else ""
    return [
        ("parent", lineage.parent),
        ("data", ", ".join(each for each in (lineage.dataset, images) if each)),
        ("train job", lineage.train_job),
        ("note", lineage.note),
    ]


def _training(lineage: lineage_pb2.Lineage) -> list[tuple[str, str]]:
    rule = f", {lineage.lr_rule} in the batch size" if lineage.lr_rule else ""
    rate = f"learning rate {lineage.learning_rate:g}{rule}" if lineage.learning_rate else ""
    batch = f"batches of {lineage.batch_size}" if lineage.batch_size else ""
    epochs = f"{lineage.num_epochs} epochs" if lineage.num_epochs else ""
    told = (lineage.optimizer, rate, batch, epochs)
    return [
        ("method", ", ".join(each for each in (lineage.method, lineage.loss) if each)),
        ("optimizer", ", ".join(each for each in told if each)),
        ("augmentation", words.listed(lineage.augmentations)),
    ]


def _licence(one: wire.Checkpoint) -> list[tuple[str, str]]:
    return [("licence", one.lineage.licence)]


def _remedies(one: wire.Checkpoint) -> list[tuple[str, str]]:
    remedies = one.remedies
    return [
        ("served at", words.listed(remedies.origin_urls)),
        ("recipe", remedies.recipe),
        ("contact", remedies.contact),
    ]


def _use(one: wire.Checkpoint) -> tuple[str, str]:
    if not one.has_bytes:
        return "get it", f"vertebra weights ensure {one.name}"
    return "use it", f"vertebra train --backbone {one.architecture_id} --weights {one.name}"


def _results(rows: Sequence[lineage_pb2.ResultRow]) -> Table:
    names = list(dict.fromkeys(name for row in rows for name in row.metrics))
    lines = table("RESULT", *(name.upper() for name in names))
    for row in rows[:NUM_RESULTS]:
        numbers = (f"{row.metrics[name]:.3f}" if name in row.metrics else "-" for name in names)
        lines.add_row(row.setting, *numbers)
    return lines


def _structure_words(structure: model_spec_pb2.BackboneStructure) -> str:
    """Return what is not as published; nothing where all is."""
    removed, size = structure.remove_modules, (structure.image_height_px, structure.image_width_px)
    told = [
        f"{structure.in_channels} channels" if structure.in_channels else "",
        f"without {words.listed(removed)}" if removed else "",
        *(
            f"{name}={value}"
            for name, value in json_format.MessageToDict(structure.arguments).items()
        ),
        f"images of {size[0]}x{size[1]}" if any(size) else "",
    ]
    return ", ".join(each for each in told if each)
