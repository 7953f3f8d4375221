"""The main job in numbered steps: pretrain, hand the backbone back, fine-tune it, compare."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vertebra.catalog_client import CatalogClient
from vertebra.cli.job_words import print_outcome
from vertebra.cli.live import follow_job
from vertebra.demo import jobs
from vertebra.demo.curves import Curve, draw_curves
from vertebra.demo.images import draw_digits, draw_letters
from vertebra.local_services import LocalServices
from vertebra.trainer.v1 import train_event_pb2
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

CHECKPOINT = "letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one job left."""

    job: wire.TrainJob
    export: wire.Export
    accuracy_by_epoch: Mapping[int, float]

    @property
    def accuracy(self) -> float:
        """Validation accuracy after the last epoch, 0 to 1."""
        return self.accuracy_by_epoch[max(self.accuracy_by_epoch)]

    def path(self, kind: wire.ExportFile.Kind) -> str:
        """Return where the exported file of this kind is."""
        return next(file.path for file in self.export.files if file.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What the three jobs left."""

    pretrained: Outcome
    fine_tuned: Outcome
    baseline: Outcome


class JobFailed(Exception):
    """A job of the demo did not succeed; its last message says why."""


@dataclass(slots=True)
class _Recorder:
    """Keeps the validation accuracy of each epoch as events come by."""

    accuracy_by_epoch: dict[int, float] = field(default_factory=dict)

    def __call__(self, event: train_event_pb2.TrainEvent) -> None:
        metrics = event.epoch_metrics
        if event.WhichOneof("event") == "epoch_metrics" and metrics.split == "validation":
            self.accuracy_by_epoch[metrics.epoch] = metrics.values["accuracy"]


def run_demo(folder: Path, seed: int, console: Console) -> Outcomes:
    """Run the main job below `folder`, showing it on `console`.

    Raises:
        JobFailed: a job did not succeed.
        RpcFailed: a service refused a call.
    """
    # 1. Draw the images: real files in folders.
    images = folder / "images"
    letters, train, validation = images / "letters", images / "digits", images / "digits-validation"
    draw_letters(letters, seed)
    draw_digits(train, validation, seed)
    console.print(f"Images: {letters} (1,560 letters), {train} (10 of each digit)\n")
    # 2. Start both services.
    with (
        LocalServices(folder / "home", catalog_port=0, trainer_port=0, data_roots=[images]) as up,
        TrainerClient(up.trainer_address) as trainer,
        CatalogClient(up.catalog_address) as catalog,
    ):
        # 3. Pretrain; the trainer registers the backbone in the catalog.
        console.rule("1. Pretrain resnet18 on letters", align="left")
        pretrained = _run(trainer, jobs.pretraining(letters, seed, CHECKPOINT), console)
        checkpoint = catalog.get_checkpoint(CHECKPOINT).name
        # 4. Fine-tune a new head on the frozen, registered backbone.
        console.rule("2. Fine-tune it on digits, backbone frozen", align="left")
        spec = jobs.fine_tuning(train, validation, seed, checkpoint)
        fine_tuned = _run(trainer, spec, console)
        # 5. The same head on a frozen random backbone.
        console.rule("3. The same on a random backbone (the baseline)", align="left")
        baseline = _run(trainer, jobs.baseline(train, validation, seed), console)
    return Outcomes(pretrained=pretrained, fine_tuned=fine_tuned, baseline=baseline)


def _run(trainer: TrainerClient, spec: jobs.Experiment, console: Console) -> Outcome:
    recorder = _Recorder()
    job = trainer.create(spec)
    job = follow_job(trainer, job.name, console, on_event=recorder)
    if job.state != wire.JobState.JOB_STATE_SUCCEEDED:
        raise JobFailed(f"{job.name} ended as {_state(job)}: {job.state_reason}")
    exports = list(trainer.list_exports(job.name))
    print_outcome(console, job, exports)
    console.print()
    return Outcome(job=job, export=exports[0], accuracy_by_epoch=recorder.accuracy_by_epoch)


def _state(job: wire.TrainJob) -> str:
    return wire.JobState.Name(job.state).removeprefix("JOB_STATE_").lower()


def report(outcomes: Outcomes, picture: Path, console: Console) -> None:
    """Print the comparison, what froze, where the files are, and how to load them."""
    console.print()
    console.print(_comparison(outcomes))
    parent = outcomes.pretrained.export.backbone_digest
    child = outcomes.fine_tuned.export.backbone_digest
    same = "the same" if parent == child else "DIFFERENT"
    console.print(f"Backbone before and after fine-tuning: {same} ({child[:19]}...)\n")
    console.print("Load the backbone in plain torchvision:", style="bold")
    ckpt = outcomes.pretrained.path(wire.ExportFile.KIND_BACKBONE_CKPT)
    console.print(load_lines(ckpt), soft_wrap=True, highlight=False)
    _draw(outcomes, picture)
    console.print(f"\nLearning curves: {picture}", soft_wrap=True, highlight=False)


def load_lines(ckpt: str) -> str:
    """Return the two lines that load an exported backbone, strictly, into plain torchvision."""
    return (
        "  model = torchvision.models.resnet18(); model.fc = torch.nn.Identity()\n"
        f'  model.load_state_dict(torch.load("{ckpt}", weights_only=True))'
    )


def _comparison(outcomes: Outcomes) -> Table:
    table = Table(title="Digits: 10 labels per class, 500 images to judge by", title_justify="left")
    table.add_column("backbone")
    for heading in ("accuracy", "trainable", "frozen"):
        table.add_column(heading, justify="right")
    table.add_column("backbone digest")
    rows = {"pretrained on letters": outcomes.fine_tuned, "random": outcomes.baseline}
    for name, outcome in rows.items():
        freeze = outcome.job.plan.freeze
        table.add_row(
            name,
            f"{outcome.accuracy:.3f}",
            f"{freeze.num_trainable_parameters:,}",
            f"{freeze.num_frozen_parameters:,}",
            outcome.export.backbone_digest.removeprefix("sha256:")[:12],
        )
    return table


def _draw(outcomes: Outcomes, picture: Path) -> None:
    pretraining = _curve("resnet18", outcomes.pretrained)
    heads = [
        _curve("pretrained on letters", outcomes.fine_tuned),
        _curve("random backbone", outcomes.baseline),
    ]
    draw_curves(picture, pretraining, heads)


def _curve(label: str, outcome: Outcome) -> Curve:
    return Curve(label=label, accuracy_by_epoch=outcome.accuracy_by_epoch)
