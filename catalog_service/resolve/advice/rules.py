"""Rules of transfer learning, as a table: how many images, and how like the pretraining data.

The four ways and when each applies are those of the usual teaching of transfer learning: feature
extraction where data are few and similar; the last block where they are shifted; everything where
they are many or quite different; from nothing where they are huge and no pretraining applies. The
numbers of images are ours; each row says its reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass

FEW, SMALL, MODERATE, HUGE = 100, 1_000, 10_000, 1_000_000
"""Numbers of images at which another row applies."""

HEAD_LR = 1e-3
"""Source: the trainer's default, AdamW at 1e-3."""

BACKBONE_LR = 1e-4
"""A tenth of the head's: pretrained numbers are moved less than new ones."""

WEIGHT_DECAY = 0.01
"""Source: torch.optim.AdamW's default."""

SCRATCH_WEIGHT_DECAY = 0.05
"""Source: Liu et al. 2022, arXiv:2201.03545, table 5: training from nothing with AdamW."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRule:
    """A row: when it applies, and what it advises."""

    min_images: int
    max_images: int
    """Not included; 0 means no limit."""

    likenesses: tuple[str, ...]
    """Empty text among them: also where nobody says."""

    freeze_mode: str
    head_lr: float = HEAD_LR
    backbone_lr: float = BACKBONE_LR
    num_epochs: int
    weight_decay: float = WEIGHT_DECAY
    augmentation: str = "shift_and_flip"
    """A word of the trainer."""

    reason: str
    alternatives: tuple[str, ...]


SIMILAR = ("similar", "")
DIFFERENT = ("different",)
ANY = (*SIMILAR, *DIFFERENT)

RULES = (
    TransferRule(
        min_images=1,
        max_images=FEW,
        likenesses=ANY,
        freeze_mode="frozen_backbone",
        backbone_lr=0.0,
        num_epochs=50,
        reason="fewer than 100 images: a backbone that trains on so few learns them by heart, so "
        "it stays frozen and only the head trains (very small data sets)",
        alternatives=("label more images; from 100 on, last_blocks(1) is worth a try",),
    ),
    TransferRule(
        min_images=FEW,
        max_images=SMALL,
        likenesses=SIMILAR,
        freeze_mode="frozen_backbone",
        backbone_lr=0.0,
        num_epochs=30,
        reason="a small data set like the pretraining data: its features fit as they are (mode "
        "1, feature extraction)",
        alternatives=(
            "last_blocks(1) with backbone_lr 1e-4, if training and validation are equally poor",
        ),
    ),
    TransferRule(
        min_images=FEW,
        max_images=SMALL,
        likenesses=DIFFERENT,
        freeze_mode="last_blocks(1)",
        num_epochs=30,
        reason="a small data set unlike the pretraining data: the last block must adapt, the "
        "earlier ones see edges and textures that all images share (mode 2, last block)",
        alternatives=(
            "frozen_backbone, if the validation loss rises while the training loss falls",
            "last_blocks(2), if both losses stay high",
        ),
    ),
    TransferRule(
        min_images=SMALL,
        max_images=MODERATE,
        likenesses=SIMILAR,
        freeze_mode="last_blocks(1)",
        num_epochs=20,
        reason="a data set of moderate size: enough to adapt the last block, not enough to move "
        "everything without forgetting (mode 2, last block)",
        alternatives=(
            "full with backbone_lr 1e-4, which often wins where the validation loss follows",
            "frozen_backbone, which costs a fraction of the time and memory",
        ),
    ),
    TransferRule(
        min_images=SMALL,
        max_images=MODERATE,
        likenesses=DIFFERENT,
        freeze_mode="full",
        num_epochs=30,
        reason="images that differ much from the pretraining data, such as medical or satellite "
        "ones, need other features in every block (mode 3, full fine-tuning)",
        alternatives=(
            "last_blocks(2), if the validation loss rises while the training loss falls",
            "norm recalibrate: the running statistics of batch norm belong to other images",
        ),
    ),
    TransferRule(
        min_images=MODERATE,
        max_images=HUGE,
        likenesses=ANY,
        freeze_mode="full",
        num_epochs=15,
        reason="a large data set: every block can learn from it (mode 3, full fine-tuning)",
        alternatives=("last_blocks(2), which costs less time and memory",),
    ),
    TransferRule(
        min_images=HUGE,
        max_images=0,
        likenesses=SIMILAR,
        freeze_mode="full",
        num_epochs=5,
        reason="a huge data set like the pretraining data: pretrained numbers only make the start "
        "faster (mode 3, full fine-tuning)",
        alternatives=("scratch for 90 epochs, to be free of the pretraining and its licence",),
    ),
    TransferRule(
        min_images=HUGE,
        max_images=0,
        likenesses=DIFFERENT,
        freeze_mode="scratch",
        backbone_lr=HEAD_LR,
        num_epochs=90,
        weight_decay=SCRATCH_WEIGHT_DECAY,
        reason="a huge data set to which no pretraining applies: all numbers are learned from it "
        "(mode 4, training from scratch; ask for pretrained = false)",
        alternatives=("full with backbone_lr 1e-4, which needs a tenth of the epochs",),
    ),
)
"""Each number of images with each likeness is in exactly one row."""

_STAYS_FROZEN = (
    "frozen_backbone",
    "DINOv3 stays frozen: its self-supervised features transfer as they are, and training only the "
    "head keeps them",
)

FAMILY_MODES: Mapping[str, tuple[str, str]] = {
    "dinov3_vit": _STAYS_FROZEN,
    "dinov3_convnext": _STAYS_FROZEN,
}
"""Family -> the mode that its weights ask for whatever the data are, and why."""


def rule_for(num_images: int, likeness: str) -> TransferRule:
    """Return the one row for a number of images and a likeness."""
    return next(
        rule
        for rule in RULES
        if rule.min_images <= num_images
        and (not rule.max_images or num_images < rule.max_images)
        and likeness in rule.likenesses
    )
