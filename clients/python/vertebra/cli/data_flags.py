"""The flags that say where the images are: which source they choose, and which fields they set."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from vertebra.cli.spec_flags import COUNT, NATURAL
from vertebra.cli.written_values import names, parsed
from vertebra.trainer.v1 import train_job_pb2 as jobs

Function = TypeVar("Function", bound=Callable[..., Any])

URL = re.compile(r"^[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A source of images: the flag that chooses it, and those that mean something with it."""

    flag: str
    fields: Mapping[str, str]
    """Key of a flag -> field of the source's message."""
    task: str = ""
    """What is learned where nothing says otherwise; empty leaves that to the service."""

    @property
    def key(self) -> str:
        """The key of the flag that chooses the source."""
        return self.flag.lstrip("-").replace("-", "_")


_DRAWN = {"num_images": "num_images", "scene_size": "side_px", "scene_seed": "seed"}

SOURCES: Mapping[str, Source] = {
    "image_folder": Source(
        flag="--data", fields={"data": "path", "validation_data": "validation_path"}
    ),
    "csv": Source(
        flag="--csv",
        fields={
            "csv": "path",
            "validation_data": "validation_path",
            "images": "images_path",
            "image_column": "image_column",
            "target_columns": "target_columns",
            "split_column": "split_column",
            "label_separator": "label_separator",
        },
    ),
    "image_mask_pairs": Source(
        flag="--masks",
        fields={
            "masks": "masks_path",
            "images": "images_path",
            "validation_images": "validation_images_path",
            "validation_masks": "validation_masks_path",
            "mask_value": "classes_of_values",
        },
        task="segmentation",
    ),
    "coco": Source(
        flag="--coco",
        fields={
            "coco": "annotations_path",
            "images": "images_path",
            "validation_data": "validation_annotations_path",
            "validation_images": "validation_images_path",
        },
    ),
    "torchvision": Source(
        flag="--torchvision",
        fields={"torchvision": "name", "data": "path", "target_type": "target_type"},
    ),
    "unlabelled_images": Source(
        flag="--unlabelled",
        fields={"unlabelled": "path", "validation_data": "validation_path"},
    ),
    "bundled_digits": Source(flag="--digits", fields={}),
    "drawn_scenes": Source(flag="--scenes", fields={**_DRAWN, "max_objects": "max_objects"}),
    "cluttered_digits": Source(
        flag="--cluttered-digits",
        fields={**_DRAWN, "max_objects": "max_digits"},
        task="segmentation",
    ),
}
"""The contract's sources, by the name of their field."""

OPTION_OF_FIELD = {
    f"dataset.{source}.{field}": f"--{key.replace('_', '-')}"
    for source, flags in SOURCES.items()
    for key, field in flags.fields.items()
} | {"dataset.csv.target_columns": "--target-column"}
"""A field's path -> the flag that sets it."""


def mask_value(text: str) -> tuple[int, int]:
    """Return value and class of `255=1`.

    Raises:
        click.BadParameter: something else.
    """
    value, _, index = text.partition("=")
    if not (value.isdecimal() and index.isdecimal() and int(value) < 2**31 > int(index)):
        raise click.BadParameter(f"{text!r} is not VALUE=CLASS, such as 255=1")
    return int(value), int(index)


def _place(name: str, text: str) -> Callable[[Function], Function]:
    return click.option(name, metavar="PATH", help=text)


def data_options() -> tuple[Callable[[Function], Function], ...]:
    """Return the options that say where the images are."""
    return (*_sources(), *_beside_a_source(), *_of_a_table(), *_of_drawings())


def _sources() -> tuple[Callable[[Function], Function], ...]:
    return (
        _place("--data", "A folder with a folder of images per class; the root of --torchvision."),
        _place("--csv", "A table: images and what is known of them."),
        _place("--masks", "A folder of masks, named like the images of --images."),
        _place("--coco", "A JSON file of annotations as COCO writes them."),
        click.option(
            "--torchvision",
            metavar="NAME",
            help="One of torchvision's on the disk: cifar10.",
        ),
        _place("--unlabelled", "Folders of images without labels, for SimCLR."),
        click.option("--digits", is_flag=True, help="The bundled hand-written digits."),
        click.option("--scenes", is_flag=True, help="Drawn shapes, for every task."),
        click.option("--cluttered-digits", is_flag=True, help="Digits in clutter, to segment."),
    )


def _beside_a_source() -> tuple[Callable[[Function], Function], ...]:
    return (
        _place("--images", "The images of --masks, --coco or --csv."),
        _place("--validation-data", "Like --data, --csv, --coco or --unlabelled, to validate on."),
        _place("--validation-images", "The images of the validation masks or annotations."),
        _place("--validation-masks", "The masks of --validation-images."),
        click.option(
            "--mask-value",
            metavar="VALUE=CLASS",
            multiple=True,
            callback=lambda _context, _option, texts: [mask_value(text) for text in texts],
            help="What a mask's value means, where it is no class index.",
        ),
        click.option(
            "--target-type",
            metavar="NAME",
            help="Which labels of a --torchvision set that has several.",
        ),
    )


def _of_a_table() -> tuple[Callable[[Function], Function], ...]:
    return (
        click.option("--image-column", metavar="NAME", help="Of --csv; image."),
        click.option(
            "--target-column",
            "target_columns",
            metavar="A,B",
            callback=parsed(names),
            help="Of --csv; all that are neither image nor split.",
        ),
        click.option("--split-column", metavar="NAME", help="Of --csv: train or validation."),
        click.option("--label-separator", metavar="TEXT", help="Between names in a cell; ;"),
    )


def _of_drawings() -> tuple[Callable[[Function], Function], ...]:
    return (
        click.option("--num-images", type=COUNT, metavar="N", help="How many are drawn."),
        click.option(
            "--scene-size", type=COUNT, metavar="N", help="Pixels of a drawn image's sides."
        ),
        click.option("--max-objects", type=COUNT, metavar="N", help="In a drawn image."),
        click.option("--scene-seed", type=NATURAL, metavar="N", help="Seeds the drawing; 0."),
    )


def set_data(spec: jobs.TrainJobSpec, flags: Mapping[str, Any]) -> None:
    """Set the source that the flags choose, or change the one that is there.

    Raises:
        click.UsageError: two sources, or a flag that means nothing for the source.
    """
    given = {key for source in SOURCES.values() for key in source.fields if _is_given(flags, key)}
    chosen = _chosen(flags) or spec.dataset.WhichOneof("source")
    if chosen is None:
        if given:
            raise click.UsageError(f"{_names(given)}: say where the images are, such as --data")
        return
    source = SOURCES[chosen]
    if unknown := given - set(source.fields):
        raise click.UsageError(f"{_names(unknown)}: means nothing for {source.flag}")
    message = getattr(spec.dataset, chosen)
    message.SetInParent()
    for key in given:
        _set(message, source.fields[key], flags[key])


def _chosen(flags: Mapping[str, Any]) -> str | None:
    found = [name for name, source in SOURCES.items() if _is_given(flags, source.key)]
    if "torchvision" in found and "image_folder" in found:
        found.remove("image_folder")
    if len(found) > 1:
        both = " and ".join(SOURCES[name].flag for name in found)
        raise click.UsageError(f"{both} are {len(found)} data sets; give one")
    return found[0] if found else None


def _is_given(flags: Mapping[str, Any], key: str) -> bool:
    value = flags[key]
    return value is not None and value is not False and value != []


def _names(keys: set[str]) -> str:
    return ", ".join(f"--{key.replace('_', '-')}" for key in sorted(keys)).replace(
        "--target-columns", "--target-column"
    )


def _set(message: Any, field: str, value: Any) -> None:
    if field == "classes_of_values":
        message.classes_of_values.update(dict(value))
    elif isinstance(value, list):
        message.ClearField(field)
        getattr(message, field).extend(value)
    else:
        setattr(message, field, absolute(value, Path.cwd()) if _is_path(field) else value)


def make_absolute(dataset: jobs.DatasetSpec, folder: Path) -> None:
    """Take all relative paths of the source from `folder`."""
    source = dataset.WhichOneof("source")
    if source is None:
        return
    message = getattr(dataset, source)
    for field in message.DESCRIPTOR.fields:
        if _is_path(field.name) and (path := getattr(message, field.name)):
            setattr(message, field.name, absolute(path, folder))


def _is_path(field: str) -> bool:
    return field == "path" or field.endswith("_path")


def absolute(path: str, folder: Path) -> str:
    """Return the path as the trainer's host must see it; links and URLs stay as they are."""
    if URL.match(path):
        return path
    return os.path.normpath(folder / Path(path).expanduser())
