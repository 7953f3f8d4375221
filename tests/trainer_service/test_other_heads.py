"""Jobs whose head is not the architecture's own last layer: hidden layers, and pooled by us."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.work_orders import write_tiny_order
from trainer_service.run_job import run_job
from trainer_service.stop_switch import StopSwitch

HEADS: Mapping[str, Mapping[str, Any]] = {
    "hidden": {"kind": "classification", "hidden_units": [6], "dropout": 0.1},
    "pooled": {
        "kind": "pooled",
        "feature_maps": ["layer4"],
        "hidden_units": [],
        "dropout": 0.0,
        "pooling": "gem",
    },
    "pooled_hidden": {
        "kind": "pooled",
        "feature_maps": ["layer4"],
        "hidden_units": [6],
        "dropout": 0.1,
        "pooling": "avg_max",
    },
}


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("mode", ["frozen_backbone", "full"])
def test_a_job_trains_and_exports_any_head(tmp_path: Path, kind: str, mode: str) -> None:
    order = write_tiny_order(
        tmp_path,
        architecture_id="resnet18",
        head=HEADS[kind],
        freeze=FreezeMode(kind=mode),  # type: ignore[arg-type]
        num_epochs=1,
    )

    (export,) = run_job(order, lambda event: None, StopSwitch()).exports

    is_parents = export.backbone_digest == order.model.backbone_digest
    assert is_parents == (mode == "frozen_backbone")
    assert export.state_digest != order.model.state_digest
    assert export.architecture_id == "resnet18"


def test_an_exported_backbone_has_the_backbone_architectures_names(tmp_path: Path) -> None:
    """The model calls it `backbone.conv1.weight`; whoever starts another task from it does not."""
    order = write_tiny_order(
        tmp_path, architecture_id="resnet18", head=HEADS["pooled"], num_epochs=1
    )

    run_job(order, lambda event: None, StopSwitch())

    folder = Path(order.export_dir)
    assert "conv1.weight" in load_file(folder / "backbone.safetensors")
    assert "backbone.conv1.weight" in load_file(folder / "model.safetensors")
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["backbone_architecture"] == "resnet18"
