"""Self-supervised pretraining and what it is worth with few and with many labels: a table of
segmentation by pretraining, freezing and share of the labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vertebra.catalog_client import CatalogClient
from vertebra.demo import simclr_jobs
from vertebra.demo.jobs import Experiment
from vertebra.demo.outcome import Outcome, run_to_the_end
from vertebra.demo.simclr_picture import draw_rows
from vertebra.local_services import LocalServices
from vertebra.trainer_client import TrainerClient

CHECKPOINT = "digits-simclr"
DATA_RATIOS = (0.1, 0.8)
NONE, FROZEN, FULL = "none", "simclr, frozen", "simclr, full"

MakeRow = Callable[[int, float], Experiment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    pretrained: str
    data_ratio: float
    outcome: Outcome

    @property
    def iou(self) -> float:
        """Return the mean over classes after the last step, 0 to 1."""
        return self.outcome.last("iou")

    @property
    def f1(self) -> float:
        """Return the mean over classes after the last step, 0 to 1."""
        return self.outcome.last("f1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimClrOutcomes:
    """What all jobs left."""

    pretrained: Outcome
    rows: tuple[Row, ...]

    def improvement(self, row: Row) -> float | None:
        """Return how much better a row's IoU is than without pretraining; None for those."""
        if row.pretrained == NONE:
            return None
        return row.iou - self.row(NONE, row.data_ratio).iou

    def row(self, pretrained: str, data_ratio: float) -> Row:
        """Return one line."""
        return next(
            row for row in self.rows if (row.pretrained, row.data_ratio) == (pretrained, data_ratio)
        )


def run_simclr_demo(folder: Path, seed: int, console: Console) -> SimClrOutcomes:
    """Run all jobs below `folder`, showing them on `console`.

    Raises:
        JobFailed: a job did not succeed.
        RpcFailed: a service refused a call.
    """
    # 1. Start both services. The scenes are drawn by the trainer itself.
    with (
        LocalServices(folder / "home", catalog_port=0, trainer_port=0) as up,
        TrainerClient(up.trainer_address) as trainer,
        CatalogClient(up.catalog_address) as catalog,
    ):
        # 2. Pretrain without labels; the trainer registers the backbone in the catalog.
        console.rule("SimCLR: learn from scenes without their labels", align="left")
        spec = simclr_jobs.pretraining(seed, CHECKPOINT)
        pretrained = run_to_the_end(trainer, spec, console)
        # 3. Segment, with and without it, with few labels and with many.
        rows = []
        for name, make in _kinds(catalog.get_checkpoint(CHECKPOINT).name).items():
            for data_ratio in DATA_RATIOS:
                console.rule(f"Segment: {name}, {data_ratio:.0%} of the labels", align="left")
                outcome = run_to_the_end(trainer, make(seed, data_ratio), console)
                rows.append(Row(pretrained=name, data_ratio=data_ratio, outcome=outcome))
    return SimClrOutcomes(pretrained=pretrained, rows=tuple(rows))


def _kinds(checkpoint: str) -> Mapping[str, MakeRow]:
    """Return what the table compares: name -> experiment of a seed and a share of the labels."""
    start = partial(simclr_jobs.from_backbone, checkpoint=checkpoint)
    return {
        NONE: simclr_jobs.from_nothing,
        FROZEN: partial(start, frozen=True),
        FULL: partial(start, frozen=False),
    }


def report_simclr(outcomes: SimClrOutcomes, picture: Path, console: Console) -> None:
    """Print the table, and where the picture and the backbone are."""
    console.print()
    console.print(_table(outcomes))
    console.print(f"Registered backbone: checkpoints/{CHECKPOINT}", highlight=False)
    draw_rows(
        picture,
        outcomes.pretrained.by_epoch("loss"),
        {(row.pretrained, row.data_ratio): row.outcome.by_epoch("iou") for row in outcomes.rows},
    )
    console.print(f"Picture: {picture}", soft_wrap=True, highlight=False)


def _table(outcomes: SimClrOutcomes) -> Table:
    title = (
        f"Segmentation of digits, loss BCE, {simclr_jobs.NUM_STEPS} steps each; IoU and F1 are"
        " means over background and digits"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("pretrained")
    for heading in ("data ratio", "IoU", "F1", "improvement"):
        table.add_column(heading, justify="right")
    for data_ratio in DATA_RATIOS:
        for row in (row for row in outcomes.rows if row.data_ratio == data_ratio):
            gain = outcomes.improvement(row)
            table.add_row(
                row.pretrained,
                f"{data_ratio:.0%}",
                f"{row.iou:.3f}",
                f"{row.f1:.3f}",
                "-" if gain is None else f"{100 * gain:+.1f} points of IoU",
            )
        table.add_section()
    return table
