"""What is to be learned, and with what, in the caller's words."""

from collections.abc import Sequence
from dataclasses import dataclass

from catalog_service.errors import Violation, invalid
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.models.model_description import DEFAULT_BATCH_SIZE, MAX_BATCH_SIZE

TASKS = (
    "classification",
    "regression",
    "segmentation",
    "detection",
    "instance_segmentation",
    "keypoints",
)
"""What can be asked for; `features` is nothing to train."""

LIKENESSES = ("similar", "different")
DEFAULT_CANDIDATES = 5
MAX_CANDIDATES = 100
"""More candidates than this are no advice."""

MAX_ARCHITECTURES = 200
"""Longer lists than all names there are, are taken for a mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The data set, and what the answer may cost."""

    task: str
    num_images: int
    num_classes: int = 0
    likeness: str = ""
    """To the pretraining data: one of `LIKENESSES`; empty means not known."""

    architectures: tuple[str, ...] = ()
    """Empty means all."""

    max_memory_bytes: int = 0
    """For training; here and below 0 means any."""

    batch_size: int = DEFAULT_BATCH_SIZE
    licences: tuple[str, ...] = ()
    max_parameters: int = 0
    max_gflops: float = 0.0
    max_candidates: int = DEFAULT_CANDIDATES
    cached_only: bool = False


def check_question(question: Question, index: CatalogIndex) -> None:
    """Raise where the question cannot be answered.

    Raises:
        InvalidRequest: with every field that is wrong.
        ArchitectureNotFound: with the nearest names.
    """
    found = [*_check_words(question, index), *_check_numbers(question)]
    if len(question.architectures) > MAX_ARCHITECTURES:
        why = f"{len(question.architectures)} names; at most {MAX_ARCHITECTURES}"
        found.append(Violation(field="architectures", description=why))
    if found:
        raise invalid(found)
    for name in question.architectures:
        index.architecture(name)


def _check_words(question: Question, index: CatalogIndex) -> list[Violation]:
    licences = sorted({weight.licence for weight in index.weights})
    found = []
    if question.task not in TASKS:
        found.append(_unknown("task", question.task, TASKS))
    if question.likeness and question.likeness not in LIKENESSES:
        found.append(_unknown("likeness", question.likeness, LIKENESSES))
    found += [_unknown("licences", it, licences) for it in question.licences if it not in licences]
    return found[:10]


def _check_numbers(question: Question) -> list[Violation]:
    names = ("num_classes", "max_memory_bytes", "max_parameters", "max_gflops")
    found = [
        Violation(field=name, description=f"{getattr(question, name)} is not 0 or more")
        for name in names
        if not getattr(question, name) >= 0
    ]
    if question.num_images < 1:
        why = f"{question.num_images}: say how many labelled images there are, at least 1"
        found.append(Violation(field="num_images", description=why))
    if not 1 <= question.batch_size <= MAX_BATCH_SIZE:
        why = f"{question.batch_size} is not between 1 and {MAX_BATCH_SIZE}; 0 means the default"
        found.append(Violation(field="batch_size", description=why))
    if not 1 <= question.max_candidates <= MAX_CANDIDATES:
        why = f"{question.max_candidates} is not between 1 and {MAX_CANDIDATES}"
        found.append(Violation(field="max_candidates", description=why))
    return found


def _unknown(field: str, word: str, known: Sequence[str]) -> Violation:
    why = f"{word[:100]!r} is none of {', '.join(known)}" if word else f"one of {', '.join(known)}"
    return Violation(field=field, description=why)
