"""Which published weights to start from: filtered by rules, best first, each with its reasons."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from catalog_service.errors import listed
from catalog_service.index.catalog_index import CatalogIndex
from catalog_service.index.entries import ArchitectureEntry, Metric, WeightEntry
from catalog_service.resolve.advice.question import Question
from catalog_service.resolve.advice.rules import FAMILY_MODES
from catalog_service.resolve.advice.training_memory import training_bytes

UNKNOWN_LICENCE = "unknown"
GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Weights to start from."""

    weight: WeightEntry
    metric: Metric | None
    freeze_mode: str
    training_memory_bytes: int
    is_cached: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """A weight with what the rules look at."""

    weight: WeightEntry
    entry: ArchitectureEntry
    freeze_mode: str
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """Why a weight is left out."""

    says: Callable[[Question], str]
    forbids: Callable[[_Start, Question], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is left, and why the rest is not."""

    candidates: tuple[Candidate, ...]
    excluded: tuple[str, ...]


Tasks = frozenset[tuple[str, str]]
"""Architecture and task that go together."""


def select(
    question: Question,
    freeze_mode: str,
    index: CatalogIndex,
    *,
    feasible: Tasks,
    is_cached: Callable[[WeightEntry], bool],
) -> Selection:
    """Return the best candidates, and a line for each rule that left weights out.

    Args:
        freeze_mode: the advice, where the weights do not ask for another.
        feasible: which architecture can do which task.
        is_cached: whether a weight's bytes are at hand without a network.
    """
    left_out: Counter[str] = Counter()
    rules = [*_RULES, _infeasible(feasible), _not_cached(is_cached)]
    kept: list[_Start] = []
    for start in _starts(question, freeze_mode, index):
        broken = next((rule for rule in rules if rule.forbids(start, question)), None)
        if broken is None:
            kept.append(start)
        else:
            left_out[broken.says(question)] += 1
    best = _best_of_each(sorted(kept, key=lambda start: _order(start, question)), left_out)
    shown = best[: question.max_candidates]
    if len(best) > len(shown):
        left_out[f"below the best {len(shown)}"] += len(best) - len(shown)
    return Selection(
        candidates=tuple(_candidate(start, question, is_cached) for start in shown),
        excluded=tuple(f"{count} left out: {why}" for why, count in left_out.items()),
    )


def _starts(question: Question, freeze_mode: str, index: CatalogIndex) -> Iterator[_Start]:
    for weight in index.weights:
        entry = index.architecture(weight.architecture_id)
        mode, _ = FAMILY_MODES.get(entry.family, (freeze_mode, ""))
        memory = 0
        if entry.is_buildable:
            memory = training_bytes(entry, question.task, mode, question.batch_size)
        yield _Start(weight=weight, entry=entry, freeze_mode=mode, memory_bytes=memory)


def _order(start: _Start, question: Question) -> tuple[bool, bool, float, int]:
    """Sort what was published for the task first, then by metric, then by size."""
    metric = _metric(start.weight)
    value = metric.value if metric else 0.0
    is_own = start.entry.task == question.task
    return not is_own, metric is None, -value, start.weight.num_parameters


def _best_of_each(starts: Iterable[_Start], left_out: Counter[str]) -> list[_Start]:
    """Return the first of each architecture."""
    seen: dict[str, _Start] = {}
    for start in starts:
        if start.entry.architecture_id in seen:
            left_out["other weights of the same architecture are better"] += 1
        seen.setdefault(start.entry.architecture_id, start)
    return list(seen.values())


def _metric(weight: WeightEntry) -> Metric | None:
    return weight.metrics[0] if weight.metrics else None


def _candidate(
    start: _Start, question: Question, is_cached: Callable[[WeightEntry], bool]
) -> Candidate:
    cached = is_cached(start.weight)
    return Candidate(
        weight=start.weight,
        metric=_metric(start.weight),
        freeze_mode=start.freeze_mode,
        training_memory_bytes=start.memory_bytes,
        is_cached=cached,
        reasons=tuple(_reasons(start, question, cached)),
    )


def _reasons(start: _Start, question: Question, cached: bool) -> Iterator[str]:
    metric = _metric(start.weight)
    if metric:
        yield f"{metric.name} {metric.value:g} on {metric.dataset}, as published"
    else:
        yield "no published result to order it by"
    if start.entry.task == question.task:
        yield f"was published for {_words(question.task)}: neck and head start from weights too"
    else:
        yield f"its backbone goes under a new {_words(question.task)} head"
    needs = f"training takes about {start.memory_bytes / GB:.1f} GB"
    limit = question.max_memory_bytes
    yield f"{needs} of the {limit / GB:.1f} GB allowed" if limit else needs
    mode = FAMILY_MODES.get(start.entry.family)
    if mode:
        yield mode[1]
    if start.weight.is_gated:
        yield "gated: its publisher wants the licence accepted before the bytes are given"
    if start.weight.licence == UNKNOWN_LICENCE:
        yield "the publisher names no licence"
    if cached:
        yield "its bytes are at hand"


def _words(task: str) -> str:
    return task.replace("_", " ")


_RULES = (
    _Rule(
        says=lambda question: "quantized or not built by this release",
        forbids=lambda start, question: not start.entry.is_buildable,
    ),
    _Rule(
        says=lambda question: f"none of {listed(question.architectures)}",
        forbids=lambda start, question: (
            bool(question.architectures)
            and start.entry.architecture_id
            not in {name.removeprefix("architectures/") for name in question.architectures}
        ),
    ),
    _Rule(
        says=lambda question: f"licence is none of {listed(question.licences)}",
        forbids=lambda start, question: (
            bool(question.licences) and start.weight.licence not in question.licences
        ),
    ),
    _Rule(
        says=lambda question: f"more than {question.max_parameters:,} parameters",
        forbids=lambda start, question: 0 < question.max_parameters < start.weight.num_parameters,
    ),
    _Rule(
        says=lambda question: f"more than {question.max_gflops:g} GFLOPs as published",
        forbids=lambda start, question: 0 < question.max_gflops < start.weight.gflops,
    ),
    _Rule(
        says=lambda question: (
            f"training with {question.batch_size} images per step may take more "
            f"than {question.max_memory_bytes / GB:.1f} GB"
        ),
        forbids=lambda start, question: 0 < question.max_memory_bytes < start.memory_bytes,
    ),
)
"""The first that forbids a weight counts it."""


def _infeasible(feasible: Tasks) -> _Rule:
    return _Rule(
        says=lambda question: f"no {_words(question.task)} head goes on it",
        forbids=lambda start, question: (
            (start.entry.architecture_id, question.task) not in feasible
        ),
    )


def _not_cached(is_cached: Callable[[WeightEntry], bool]) -> _Rule:
    return _Rule(
        says=lambda question: "bytes are not at hand without a network",
        forbids=lambda start, question: question.cached_only and not is_cached(start.weight),
    )
