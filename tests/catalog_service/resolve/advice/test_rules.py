"""Every row of the table of rules answers where it should, and nowhere else."""

import pytest

from catalog_service.models.freeze_plan import freeze_mode_of
from catalog_service.resolve.advice.question import LIKENESSES
from catalog_service.resolve.advice.rules import FAMILY_MODES, RULES, TransferRule, rule_for
from catalog_service.resolve.advice.training_memory import SHARES

CASES = [
    (1, "similar", "frozen_backbone"),
    (99, "different", "frozen_backbone"),
    (99, "", "frozen_backbone"),
    (100, "similar", "frozen_backbone"),
    (999, "", "frozen_backbone"),
    (100, "different", "last_blocks(1)"),
    (1_000, "similar", "last_blocks(1)"),
    (9_999, "", "last_blocks(1)"),
    (1_000, "different", "full"),
    (10_000, "similar", "full"),
    (999_999, "different", "full"),
    (1_000_000, "similar", "full"),
    (1_000_000, "different", "scratch"),
    (10**12, "different", "scratch"),
]


@pytest.mark.parametrize(("num_images", "likeness", "mode"), CASES)
def test_the_rule_for_a_data_set(num_images: int, likeness: str, mode: str) -> None:
    assert rule_for(num_images, likeness).freeze_mode == mode


def test_all_four_modes_and_all_rows_are_reached() -> None:
    """The four of the usual table: feature extraction, last block, full, from scratch."""
    reached = {rule_for(num_images, likeness).reason for num_images, likeness, _ in CASES}

    assert reached == {rule.reason for rule in RULES}
    modes = {rule.freeze_mode for rule in RULES}
    assert modes == {"frozen_backbone", "last_blocks(1)", "full", "scratch"}


@pytest.mark.parametrize("likeness", ["", *LIKENESSES])
def test_no_number_of_images_has_two_rows(likeness: str) -> None:
    edges = {rule.min_images for rule in RULES} | {rule.max_images for rule in RULES}
    for num_images in sorted({max(1, edge + step) for edge in edges for step in (-1, 0, 1)}):
        found = [
            rule
            for rule in RULES
            if rule.min_images <= num_images
            and (not rule.max_images or num_images < rule.max_images)
            and likeness in rule.likenesses
        ]
        assert len(found) == 1, num_images


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.min_images}-{rule.likenesses[0]}")
def test_each_row_can_be_followed(rule: TransferRule) -> None:
    assert str(freeze_mode_of(rule.freeze_mode)) == rule.freeze_mode
    assert rule.freeze_mode in SHARES
    assert (rule.backbone_lr == 0.0) == (rule.freeze_mode == "frozen_backbone")
    assert rule.num_epochs > 0 and rule.reason and rule.alternatives


def test_dinov3_stays_frozen() -> None:
    assert {mode for mode, _ in FAMILY_MODES.values()} == {"frozen_backbone"}
    assert set(FAMILY_MODES) == {"dinov3_vit", "dinov3_convnext"}
