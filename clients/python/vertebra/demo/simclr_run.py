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
from vertebra.demo.outcome import Outcome, follow_to_the_end
from vertebra.demo.simclr_picture import draw_rows
from vertebra.local_services import FREE_PORTS, LocalServices
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

CHECKPOINT = "digits-simclr"
DATA_RATIOS = (0.1, 0.8)
NONE, FROZEN, FULL = "none", "simclr, frozen", "simclr, full"

SLOTS = 2
"""Jobs at once, which share the cores: such small models gain little from a second one."""

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
        LocalServices(folder / "home", ports=FREE_PORTS, slots=SLOTS) as up,
        TrainerClient(up.trainer_address) as trainer,
        CatalogClient(up.catalog_address) as catalog,
    ):
        console.print(f"Up to {SLOTS} jobs run at once; they are shown one after the other.\n")
        # 2. Pretrain without labels; the trainer registers the backbone in the catalog. What needs
        #    no backbone runs beside it.
        pretraining = trainer.create(simclr_jobs.pretraining(seed, CHECKPOINT))
        jobs = queue_rows(trainer, seed, {NONE: simclr_jobs.from_nothing})
        console.rule("SimCLR: learn from scenes without their labels", align="left")
        pretrained = follow_to_the_end(trainer, pretraining, console)
        # 3. Segment, with and without it, with few labels and with many.
        jobs |= queue_rows(trainer, seed, _starts(catalog.get_checkpoint(CHECKPOINT).name))
        rows = []
        for (name, data_ratio), job in jobs.items():
            console.rule(f"Segment: {name}, {data_ratio:.0%} of the labels", align="left")
            outcome = follow_to_the_end(trainer, job, console)
            rows.append(Row(pretrained=name, data_ratio=data_ratio, outcome=outcome))
    return SimClrOutcomes(pretrained=pretrained, rows=tuple(rows))


def _starts(checkpoint: str) -> Mapping[str, MakeRow]:
    """Return the rows that start from the backbone, by name."""
    start = partial(simclr_jobs.from_backbone, checkpoint=checkpoint)
    return {FROZEN: partial(start, frozen=True), FULL: partial(start, frozen=False)}


def queue_rows(
    trainer: TrainerClient, seed: int, kinds: Mapping[str, MakeRow]
) -> dict[tuple[str, float], wire.TrainJob]:
    """Queue a job for every kind of start and share of the labels: (kind, share) -> job."""
    return {
        (name, data_ratio): trainer.create(make(seed, data_ratio))
        for name, make in kinds.items()
        for data_ratio in DATA_RATIOS
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
