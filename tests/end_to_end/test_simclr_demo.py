"""Pretraining without labels is worth something: more than a random backbone whose batch norms
have seen the data.
"""

from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import torch
import torchvision
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import normalize

from catalog_service.models.removed_modules import remove_modules
from trainer_service.datasets.cluttered_digits import ClutteredScenes
from trainer_service.tasks.simclr_metrics import nearest_labels
from vertebra.demo import simclr_jobs
from vertebra.demo.outcome import run_to_the_end
from vertebra.local_services import FREE_PORTS, LocalServices
from vertebra.trainer.v1 import train_job_pb2 as wire
from vertebra.trainer_client import TrainerClient

SEEDS = (0, 1, 2)
NUM_REFERENCES, NUM_QUERIES = 1000, 400
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def scenes(count: int, *, is_validation: bool) -> tuple[Tensor, Tensor]:
    """Return normalised scenes of one digit each [N, 3, H, W], and which digit it is."""
    drawing = ClutteredScenes(
        seed=7, side=simclr_jobs.SIDE_PX, max_digits=1, is_validation=is_validation
    )
    pixels = torch.from_numpy(np.stack([drawing.pixels(number) for number in range(count)]))
    images = (pixels.float() / 255 - torch.tensor(MEAN)) / torch.tensor(STD)
    digits = [drawing.digits(number)[0].digit for number in range(count)]
    return images.permute(0, 3, 1, 2), torch.tensor(digits)


def random_backbone(seed: int) -> nn.Module:
    """Return the demo's architecture with random numbers."""
    torch.manual_seed(seed)
    model = torchvision.models.get_model(simclr_jobs.BACKBONE)
    model.fc = nn.Identity()
    return remove_modules(model, simclr_jobs.LEFT_OUT)


@torch.no_grad()
def calibrate(model: nn.Module, images: Tensor) -> None:
    """Let batch norms see the data: the mean over all batches."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    for batch in images.split(100):
        model.train()(batch)


@torch.no_grad()
def knn_accuracy(model: nn.Module) -> float:
    """Return the share of scenes whose digit is that of their neighbours."""
    images, digits = scenes(NUM_REFERENCES, is_validation=False)
    others, expected = scenes(NUM_QUERIES, is_validation=True)
    references, queries = (normalize(model.eval()(each), dim=1) for each in (images, others))
    found = nearest_labels(queries, references, digits, num_neighbours=20)
    return float((found == expected).float().mean())


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_pretraining_without_labels_beats_a_calibrated_random_backbone(tmp_path: Path) -> None:
    """Means over seeds, of neighbours and of a frozen probe on a tenth of the labels."""
    neighbours: dict[str, list[float]] = {"simclr": [], "random": []}
    probe: dict[str, list[float]] = {"simclr": [], "random": []}
    console = Console(quiet=True)
    for seed in SEEDS:
        with (
            LocalServices(tmp_path / str(seed), ports=FREE_PORTS) as up,
            TrainerClient(up.trainer_address) as trainer,
        ):
            pretrained = run_to_the_end(trainer, simclr_jobs.pretraining(seed, "a"), console)
            spec = simclr_jobs.from_backbone(seed, 0.1, "checkpoints/a", frozen=True)
            probe["simclr"].append(run_to_the_end(trainer, spec, console).last("iou"))
            spec = simclr_jobs.frozen_random(seed, 0.1)
            probe["random"].append(run_to_the_end(trainer, spec, console).last("iou"))
        learned, random = random_backbone(seed), random_backbone(seed)
        ckpt = pretrained.path(wire.ExportFile.KIND_BACKBONE_CKPT)
        learned.load_state_dict(torch.load(ckpt, weights_only=True))
        calibrate(random, scenes(NUM_REFERENCES, is_validation=False)[0])
        neighbours["simclr"].append(knn_accuracy(learned))
        neighbours["random"].append(knn_accuracy(random))

    assert mean(neighbours["simclr"]) > mean(neighbours["random"]), neighbours
    assert mean(probe["simclr"]) > mean(probe["random"]), probe
