"""Whole jobs in this process: kept features, phases, the best epoch, views, what is told."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from catalog_service.models.freeze_plan import FreezeMode, UnfreezeStep
from tests.fakes.job_values import job_spec
from tests.fakes.threaded_ranks import on_ranks
from tests.fakes.work_orders import write_tiny_order
from trainer_service.datasets import quarantine
from trainer_service.errors import DataInvalid, FeatureCacheImpossible, FeaturesCollapsed
from trainer_service.features import phase_source
from trainer_service.jobs import (
    DataChecked,
    EarlyStopping,
    EpochMetrics,
    Evaluated,
    Export,
    ExportSpec,
    FeatureCacheSpec,
    JobEvent,
    JobMessage,
    JobWarning,
    PhaseStarted,
    SimClrSpec,
    StepMetrics,
    UnusableImage,
    WorkOrder,
)
from trainer_service.run_job import run_job
from trainer_service.run_job.learning import report_collapse
from trainer_service.run_job.ordered_data import telling_losses
from trainer_service.stop_switch import StopSwitch
from trainer_service.train.ranks import Ranks

FROZEN = FreezeMode(kind="frozen_backbone")
NEVER = FeatureCacheSpec(policy="never")


def run(order: WorkOrder) -> tuple[Export, list[JobEvent]]:
    """Run the job; return its export and its events."""
    events: list[JobEvent] = []
    (export,) = run_job(order, events.append, StopSwitch()).exports
    return export, events


def texts(events: list[JobEvent]) -> str:
    """Return all messages."""
    return "\n".join(event.text for event in events if isinstance(event, JobMessage))


@pytest.mark.parametrize("mode", [FROZEN, FreezeMode(kind="last_blocks", num_blocks=1)], ids=str)
def test_kept_features_give_the_same_model_to_the_last_bit(
    tmp_path: Path, mode: FreezeMode
) -> None:
    kept, events = run(write_tiny_order(tmp_path / "kept", freeze=mode))
    order = write_tiny_order(tmp_path / "plain", freeze=mode, feature_cache=NEVER)

    plain, others = run(order)

    assert "computed once" in texts(events) and "computed once" not in texts(others)
    assert kept.state_digest == plain.state_digest != order.model.state_digest
    metrics = [[e for e in each if isinstance(e, EpochMetrics)] for each in (events, others)]
    assert metrics[0] == metrics[1]


def test_a_later_job_finds_the_features_of_the_first(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, freeze=FROZEN)
    kept = {"features_folder": str(tmp_path / "features"), "features_budget_bytes": 2**30}
    first, _ = run(replace(order, **kept))  # type: ignore[arg-type]

    second, events = run(replace(order, export_dir=f"{order.export_dir}2", **kept))  # type: ignore[arg-type]

    assert "kept by an earlier job" in texts(events)
    assert second.state_digest == first.state_digest


def test_features_that_must_be_kept_and_cannot_fail_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan refuses what it can see; how much memory is free is seen only here."""
    monkeypatch.setattr(phase_source, "SHARE_OF_MEMORY", 0.0)
    required = FeatureCacheSpec(policy="required")

    with pytest.raises(FeatureCacheImpossible, match="memory that are free"):
        run(write_tiny_order(tmp_path, freeze=FROZEN, feature_cache=required))


def test_a_job_in_phases_tells_of_them_and_exports_what_the_last_one_left(tmp_path: Path) -> None:
    steps = (UnfreezeStep(after_epochs=1, num_blocks=1), UnfreezeStep(after_epochs=2))
    mode = FreezeMode(kind="gradual", steps=steps)
    order = write_tiny_order(tmp_path, freeze=mode, num_epochs=3)

    export, events = run(order)

    phases = [event for event in events if isinstance(event, PhaseStarted)]
    assert [event.phase for event in phases] == [2, 3]
    assert export.backbone_digest != order.model.backbone_digest
    # The first two phases have a frozen part, the last one has none.
    assert texts(events).count("computed once") == 2


def test_the_best_epoch_is_exported_with_its_own_numbers(tmp_path: Path) -> None:
    order = write_tiny_order(
        tmp_path,
        num_epochs=4,
        export=ExportSpec(state="best"),
        early_stopping=EarlyStopping(metric="loss", patience_epochs=3),
    )

    export, events = run(order)

    validations = [e for e in events if isinstance(e, EpochMetrics) and e.split == "validation"]
    best = max(validations[1:], key=lambda event: event.values["accuracy"])
    assert export.epoch == best.epoch
    assert export.metrics["validation/accuracy"] == best.values["accuracy"]
    (evaluated,) = [event for event in events if isinstance(event, Evaluated)]
    assert evaluated.epoch == best.epoch
    assert [each.name for each in evaluated.evaluation.classes] == ["blue", "green", "red"]


def test_readers_are_told_of_the_data_before_the_first_step(tmp_path: Path) -> None:
    _, events = run(write_tiny_order(tmp_path, num_epochs=1))

    kinds = [type(event) for event in events]
    assert kinds.index(DataChecked) < kinds.index(StepMetrics)
    (checked,) = [event for event in events if isinstance(event, DataChecked)]
    assert [each.name for each in checked.report.classes] == ["blue", "green", "red"]


def test_a_run_with_a_folder_leaves_views_beside_its_numbers(tmp_path: Path) -> None:
    order = write_tiny_order(tmp_path, num_epochs=1)

    export, _ = run(replace(order, run_folder=str(tmp_path / "run")))

    kinds = [file.kind for file in export.files]
    assert kinds[4:7] == ["metrics_csv", "curves_png", "tensorboard_events"]
    assert all(Path(file.path).stat().st_size for file in export.files)


class Quarantine:
    """Has news once."""

    def __init__(self) -> None:
        self._news = [(UnusableImage(path="a.png", reason="truncated"),)]

    def take_news(self) -> tuple[UnusableImage, ...]:
        """Return them."""
        return self._news.pop() if self._news else ()


@dataclass(frozen=True, slots=True)
class DataOfARank:
    """What one rank has of the data."""

    quarantine: quarantine.Quarantine


def test_images_that_are_lost_on_the_way_are_named(tmp_path: Path) -> None:
    class Data:
        quarantine = Quarantine()

    events: list[JobEvent] = []
    tell = telling_losses(Data(), events.append)  # type: ignore[arg-type]
    passed = EpochMetrics(epoch=1, split="train", values={}, step=1)

    tell(passed)
    tell(passed)

    (warning,) = [event for event in events if isinstance(event, JobWarning)]
    assert warning.text == "1 images left out: 'a.png' (truncated)"


def test_images_that_other_ranks_lost_are_named_and_counted() -> None:
    """The first one speaks; an image that two of them lost is one image."""
    names = [["a.png"], ["b.png", "a.png"], []]
    told: list[list[JobEvent]] = [[] for _ in names]

    def work(ranks: Ranks) -> None:
        rank = ranks.part.rank
        data = DataOfARank(quarantine.Quarantine(100, 0.02))
        tell = telling_losses(data, told[rank].append, ranks)  # type: ignore[arg-type]
        for name in names[rank]:
            data.quarantine.add(name, "truncated")
        tell(EpochMetrics(epoch=1, split="train", values={}, step=1))
        if ranks.is_first:
            data.quarantine.add("b.png", "truncated")  # it comes to it later
        tell(EpochMetrics(epoch=1, split="validation", values={}, step=1))

    on_ranks(len(names), work)

    (warning,) = [event for event in told[0] if isinstance(event, JobWarning)]
    assert warning.text == "2 images left out: 'a.png' (truncated), 'b.png' (truncated)"


def test_ranks_that_lost_too_many_together_fail() -> None:
    def work(ranks: Ranks) -> None:
        data = DataOfARank(quarantine.Quarantine(100, 0.01))
        tell = telling_losses(data, lambda _: None, ranks)  # type: ignore[arg-type]
        data.quarantine.add(f"{ranks.part.rank}.png", "truncated")
        tell(EpochMetrics(epoch=1, split="train", values={}, step=1))

    with pytest.raises(DataInvalid, match=r"2 of 100 images cannot be used: '0\.png'.*'1\.png'"):
        on_ranks(2, work)


@pytest.mark.parametrize("is_ignored", [False, True])
def test_collapsed_features_end_a_job_unless_they_may(is_ignored: bool) -> None:
    spec = replace(job_spec(), simclr=SimClrSpec(ignore_collapse=is_ignored))
    events: list[JobEvent] = []

    if is_ignored:
        report_collapse(spec, "all projections are the same", events.append)
        assert events == [
            JobWarning(code="FEATURES_COLLAPSED", text="all projections are the same")
        ]
    else:
        with pytest.raises(FeaturesCollapsed, match="all projections are the same"):
            report_collapse(spec, "all projections are the same", events.append)
