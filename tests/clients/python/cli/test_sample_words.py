"""Sample predictions in a terminal: a line a picture, whatever classes are called."""

from io import StringIO

from rich.console import Console

from vertebra.cli.job_words import print_export
from vertebra.cli.sample_words import sample_names, sample_table
from vertebra.cli.screen import Screen
from vertebra.trainer.v1 import train_job_pb2 as jobs

KIND = jobs.ExportFile.KIND_SAMPLE_PNG


def picture(number: int, **sample: object) -> jobs.ExportFile:
    """Return the file of a sample."""
    told = jobs.PredictionSample(**sample)  # type: ignore[arg-type]
    return jobs.ExportFile(kind=KIND, path=f"/home/export/sample-{number}.png", sample=told)


def lines(page: Console) -> list[str]:
    """Return what was printed."""
    text: str = page.file.getvalue()  # type: ignore[attr-defined]
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_line_says_what_is_true_what_was_said_and_which_image_it_is() -> None:
    page = Screen(file=StringIO(), width=120, color_system=None, markup=False)
    image = "/data/pets/cat/tom.png"
    said = {"truth": "cat", "prediction": "dog (0.97)", "is_right": False, "image": image}

    page.print(sample_table([picture(1, is_among_worst=True, **said), picture(2, truth="[red]")]))

    assert lines(page)[1:] == [
        "sample-1.png cat dog (0.97) among the worst tom.png",
        "sample-2.png [red]",
    ]


def test_an_export_names_its_pictures_in_one_line() -> None:
    page = Console(file=StringIO(), width=80, color_system=None, highlight=False)
    kind = jobs.ExportFile.KIND_METRICS_CSV
    files = [picture(number) for number in range(1, 9)]
    table = jobs.ExportFile(kind=kind, path="/home/export/metrics.csv")

    print_export(page, jobs.Export(files=[table, *files], backbone_digest="sha256:abcd"))

    assert lines(page) == [
        "exported to /home/export",
        "metrics metrics.csv",
        "sample predictions sample-1.png to sample-8.png",
        "backbone digest abcd",
    ]
    assert sample_names(files[:1]) == "sample-1.png"
    assert sample_names([]) == ""
