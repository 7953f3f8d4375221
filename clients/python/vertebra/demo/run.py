"""The main job in numbered steps: pretrain, hand the backbone back, fine-tune it, compare."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from vertebra.catalog_client import CatalogClient
from vertebra.demo import jobs
from vertebra.demo.curves import Curve, draw_curves
from vertebra.demo.images import draw_digits, draw_letters
from vertebra.demo.outcome import Outcome, run_to_the_end
from vertebra.local_services import FREE_PORTS, LocalServices
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

CHECKPOINT = "letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What the three jobs left."""

    pretrained: Outcome
    fine_tuned: Outcome
    baseline: Outcome


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
        LocalServices(folder / "home", ports=FREE_PORTS, data_roots=[images]) as up,
        TrainerClient(up.trainer_address) as trainer,
        CatalogClient(up.catalog_address) as catalog,
    ):
        # 3. Pretrain; the trainer registers the backbone in the catalog.
        console.rule("1. Pretrain resnet18 on letters", align="left")
        pretrained = run_to_the_end(trainer, jobs.pretraining(letters, seed, CHECKPOINT), console)
        checkpoint = catalog.get_checkpoint(CHECKPOINT).name
        # 4. Fine-tune a new head on the frozen, registered backbone.
        console.rule("2. Fine-tune it on digits, backbone frozen", align="left")
        spec = jobs.fine_tuning(train, validation, seed, checkpoint)
        fine_tuned = run_to_the_end(trainer, spec, console)
        # 5. The same head on a frozen random backbone.
        console.rule("3. The same on a random backbone (the baseline)", align="left")
        baseline = run_to_the_end(trainer, jobs.baseline(train, validation, seed), console)
    return Outcomes(pretrained=pretrained, fine_tuned=fine_tuned, baseline=baseline)


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
            f"{outcome.last('accuracy'):.3f}",
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
    return Curve(label=label, accuracy_by_epoch=outcome.by_epoch("accuracy"))
