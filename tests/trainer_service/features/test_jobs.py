"""Whole jobs: with kept features, without, and a second one on what the first one kept."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.models.freeze_mode import UnfreezeStep
from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.work_orders import write_tiny_order
from trainer_service.jobs import JobEvent, JobMessage, WorkOrder
from trainer_service.jobs.learning_spec import FeatureCacheSpec
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch

GRADUAL = FreezeMode(
    kind="gradual",
    steps=(UnfreezeStep(after_epochs=1, num_blocks=1), UnfreezeStep(after_epochs=2)),
)


@pytest.mark.parametrize(
    "mode", [FreezeMode(kind="frozen_backbone"), GRADUAL], ids=["frozen_backbone", "gradual"]
)
def test_an_export_is_the_same_with_and_without_kept_features(
    tmp_path: Path, mode: FreezeMode
) -> None:
    order = write_tiny_order(tmp_path, freeze=mode, num_epochs=3)
    order = replace(order, features_folder=str(tmp_path / "kept"), features_budget_bytes=10**9)

    first, computed = exported(order, "first")
    second, found = exported(order, "second")
    without, nothing = exported(order, "without", FeatureCacheSpec(policy="never"))

    assert first == second == without
    assert any("is computed once" in text for text in computed)
    assert any("kept by an earlier job" in text for text in found)
    assert not any("enters" in text for text in nothing)


def exported(
    order: WorkOrder, name: str, cache: FeatureCacheSpec | None = None
) -> tuple[str, Sequence[str]]:
    """Return the digest of the exported model, and what was said."""
    events: list[JobEvent] = []
    spec = replace(order.spec, feature_cache=cache or FeatureCacheSpec(policy="required"))
    folder = Path(order.export_dir).with_name(name)
    run_job(replace(order, spec=spec, export_dir=str(folder)), events.append, StopSwitch())
    texts = [event.text for event in events if isinstance(event, JobMessage)]
    return sha256_of_file(folder / "model.safetensors"), texts
