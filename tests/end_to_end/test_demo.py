"""The demo's claim: pretraining is worth something, on every seed tried."""

import pytest
from rich.console import Console

from vertebra.demo.run import run_demo

MIN_GAP = 0.2
"""In accuracy, 0 to 1. Far below what was seen (0.5 and more), far above noise on 500 images."""


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_pretrained_backbone_beats_a_random_one(seed, tmp_path):
    """Ten labels per digit, the same frozen architecture, the same head, the same steps."""
    outcomes = run_demo(tmp_path, seed, Console(quiet=True))

    gained = outcomes.fine_tuned.last("accuracy") - outcomes.baseline.last("accuracy")
    assert gained >= MIN_GAP
    assert outcomes.fine_tuned.export.backbone_digest == outcomes.pretrained.export.backbone_digest
