"""Sample predictions in words: what is true of a few images, and what the model makes of them."""

from collections.abc import Sequence
from pathlib import PurePath

from rich.console import RenderableType
from rich.text import Text

from vertebra.cli.screen import table
from vertebra.trainer.v1 import train_job_pb2 as jobs

Files = Sequence[jobs.ExportFile]


def sample_files(export: jobs.Export) -> Files:
    """Return the pictures of sample predictions."""
    return [file for file in export.files if file.kind == jobs.ExportFile.KIND_SAMPLE_PNG]


def sample_names(files: Files) -> str:
    """Return `sample-1.png to sample-8.png`, or the one there is."""
    names = [PurePath(file.path).name for file in files]
    return " to ".join(dict.fromkeys((names[0], names[-1]))) if names else ""


def sample_table(files: Files) -> RenderableType:
    """Return a line a picture; those that the model is worst at are first, and say so."""
    rows = table("SAMPLE", "TRUE", "PREDICTED", "", "IMAGE")
    for file in files:
        sample = file.sample
        rows.add_row(
            PurePath(file.path).name,
            sample.truth,
            Text(sample.prediction, style=_style(sample)),
            "among the worst" if sample.is_among_worst else "",
            PurePath(sample.image).name,
        )
    return rows


def _style(sample: jobs.PredictionSample) -> str:
    if not sample.HasField("is_right"):
        return ""
    return "green" if sample.is_right else "red"
