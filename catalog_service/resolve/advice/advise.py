"""The use case: a question about a data set becomes advice with reasons."""

from collections.abc import Callable
from dataclasses import dataclass

from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import WeightEntry
from catalog_service.models.compositions import compositions
from catalog_service.resolve.advice.candidates import Candidate, Tasks, select
from catalog_service.resolve.advice.question import Question, check_question
from catalog_service.resolve.advice.rules import TransferRule, rule_for

IMAGE_TASKS = frozenset(
    {
        "classification",
        "features",
        "segmentation",
        "detection",
        "instance_segmentation",
        "keypoints",
    }
)
"""What an architecture may be published for to learn from single images; clips are others."""

FEW_PER_CLASS = 10
"""Fewer images a class than this are said."""

UNKNOWN_LIKENESS = (
    "nobody said how like the pretraining data the images are; taken as similar. Medical, "
    "satellite or drawn images are `different`, and another rule applies to those"
)

AUGMENTATION = (
    "images are shifted and mirrored so that no two epochs are the same; choose `shift` where left "
    "and right mean something, as in text and digits"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The answer."""

    rule: TransferRule
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    excluded: tuple[str, ...]


def advise(
    question: Question, index: CatalogIndex, *, is_cached: Callable[[WeightEntry], bool]
) -> Advice:
    """Return how to fine-tune and what to start from.

    Raises:
        InvalidRequest: with every field that is wrong.
        ArchitectureNotFound: with the nearest names.
    """
    # 1. Is the question one?
    check_question(question, index)
    # 2. How to train?
    rule = rule_for(question.num_images, question.likeness)
    # 3. From what?
    chosen = select(
        question,
        rule.freeze_mode,
        index,
        feasible=feasible_tasks(index),
        is_cached=is_cached,
    )
    return Advice(
        rule=rule,
        reasons=tuple(_reasons(question, rule)),
        candidates=chosen.candidates,
        excluded=chosen.excluded,
    )


def feasible_tasks(index: CatalogIndex) -> Tasks:
    """Return which architecture can do which task on single images."""
    image = {e.architecture_id for e in index.architectures if e.task in IMAGE_TASKS}
    return frozenset((row.backbone, row.task) for row in compositions() if row.backbone in image)


def _reasons(question: Question, rule: TransferRule) -> list[str]:
    found = [f"{question.num_images:,} images: {rule.reason}"]
    if question.num_images < FEW_PER_CLASS * question.num_classes:
        each = question.num_images / question.num_classes
        found.append(
            f"{each:.1f} images a class on average: fewer than {FEW_PER_CLASS}, so results jump "
            "from split to split; label more, or join classes"
        )
    if not question.likeness:
        found.append(UNKNOWN_LIKENESS)
    if rule.backbone_lr < rule.head_lr and rule.backbone_lr:
        found.append(
            f"the backbone learns at {rule.backbone_lr:g}, a tenth of the head's {rule.head_lr:g}: "
            "pretrained numbers are moved less than new ones"
        )
    found.append(AUGMENTATION)
    return found
