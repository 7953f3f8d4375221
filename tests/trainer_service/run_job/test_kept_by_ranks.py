"""Kept features of several ranks: all of them keep, or none does."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fakes.running import ready
from tests.fakes.threaded_ranks import on_ranks
from tests.fakes.trainings import job_spec
from tests.fakes.work_orders import write_tiny_order
from trainer_service.features.caching import Caching
from trainer_service.run_job import learning
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.ranks import Ranks


def test_the_first_rank_says_how_much_memory_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would see another number, and keep features where others do not."""
    order = write_tiny_order(tmp_path)
    free = itertools.count(100)
    now: list[int] = []

    def phase_source(model: Any, batches: Any, freeze: Any, caching: Caching) -> tuple[Any, Any]:
        now.append(caching.free_bytes)
        return model, batches

    def work(ranks: Ranks) -> None:
        training, _ = ready(job_spec("shufflenet_v2_x0_5"))
        training = replace(training, ranks=ranks)
        shared = learning.with_kept_features(training, order, lambda _: None, StopSwitch())
        assert shared.source is not None
        for _ in range(2):
            shared.source(training.plan.freeze)

    monkeypatch.setattr(learning, "phase_source", phase_source)
    seen = SimpleNamespace(virtual_memory=lambda: SimpleNamespace(available=next(free)))
    monkeypatch.setattr(learning, "psutil", seen)
    on_ranks(2, work)

    first, second = sorted(set(now))
    assert sorted(now) == [first, first, second, second]
