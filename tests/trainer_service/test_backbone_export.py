"""An export counts only when it was read back and is equal; until then it has another name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from catalog_service.models.freeze_plan import FreezeMode
from tests.fakes.work_orders import write_tiny_order
from trainer_service import backbone_export
from trainer_service.backbone_export import (
    BACKBONE_CKPT,
    BACKBONE_SAFETENSORS,
    METADATA,
    MODEL_SAFETENSORS,
    ExportFacts,
    export_backbone,
)
from trainer_service.errors import ExportNotEqual, FrozenStateChanged
from trainer_service.run_job import load_model, make_plan

PROBE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def prepared(folder: Path, freeze: FreezeMode | None = None) -> tuple[nn.Module, ExportFacts]:
    """Return a model as if it had been trained, and what is known of it."""
    order = write_tiny_order(folder, freeze=freeze)
    facts = ExportFacts(
        order=order, plan=make_plan(order), fingerprint="sha256:data", metrics={"loss": 1.0}
    )
    model = load_model(order.model).to(memory_format=torch.channels_last)
    return model, facts


def test_the_backbone_files_hold_the_backbone_and_nothing_else(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path)
    expected = {t.name for t in facts.order.model.layout.tensors if t.role == "backbone"}

    export_backbone(model, facts, PROBE)

    folder = Path(facts.order.export_dir)
    ckpt: dict[str, Tensor] = torch.load(folder / BACKBONE_CKPT, weights_only=True)
    assert set(load_file(folder / BACKBONE_SAFETENSORS)) == set(ckpt) == expected
    assert list(ckpt) == [n for n in model.state_dict() if n in expected]
    assert not any(name.startswith("fc.") for name in ckpt)
    assert set(load_file(folder / MODEL_SAFETENSORS)) == set(model.state_dict())


def test_the_metadata_name_the_data_and_not_where_it_lies(tmp_path: Path) -> None:
    """Whoever reads an export's lineage in the catalog and in its file reads the same."""
    model, facts = prepared(tmp_path)

    export = export_backbone(model, facts, PROBE)

    metadata = json.loads((Path(facts.order.export_dir) / METADATA).read_text())
    assert metadata["lineage"]["dataset"] == "data"
    assert metadata["lineage"]["source_digest"] == export.files[0].digest


@pytest.mark.parametrize("name", [BACKBONE_SAFETENSORS, BACKBONE_CKPT, MODEL_SAFETENSORS])
def test_a_file_that_reads_back_otherwise_fails_the_export(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that changes one number is noticed before the export has its name."""
    model, facts = prepared(tmp_path)
    whole = backbone_export.write_states

    def write_and_spoil(folder: Path, state: dict[str, Tensor], names: tuple[str, ...]) -> None:
        whole(folder, state, names)
        path = folder / name
        is_ckpt = name == BACKBONE_CKPT
        tensors = torch.load(path, weights_only=True) if is_ckpt else load_file(path)
        tensors["conv5.0.weight"] = tensors["conv5.0.weight"] * 1.01
        torch.save(tensors, path) if is_ckpt else save_file(tensors, path)

    monkeypatch.setattr(backbone_export, "write_states", write_and_spoil)

    with pytest.raises(ExportNotEqual, match=f"{name} read back gives features that differ by"):
        export_backbone(model, facts, PROBE)

    assert not Path(facts.order.export_dir).exists()


def test_a_frozen_backbone_that_is_not_its_parents_is_no_export(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"))
    with torch.no_grad():
        model.get_parameter("conv1.0.weight").add_(1e-3)

    with pytest.raises(FrozenStateChanged, match="the backbone was frozen, its digest was"):
        export_backbone(model, facts, PROBE)

    assert not Path(facts.order.export_dir).exists()


def test_recalibrated_statistics_are_an_export_of_their_own(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"))
    model.get_buffer("conv1.1.running_mean").add_(0.1)
    spec = replace(facts.order.spec, norm="recalibrate")

    export = export_backbone(model, replace(facts, order=replace(facts.order, spec=spec)), PROBE)

    assert export.backbone_digest != facts.order.model.backbone_digest


@pytest.mark.parametrize("num_threads", [1, 2])
def test_strides_of_training_do_not_reach_the_files(tmp_path: Path, num_threads: int) -> None:
    """A depthwise weight with its channels last counts as contiguous and keeps its strides."""
    model, facts = prepared(tmp_path)
    depthwise = model.get_parameter("stage2.0.branch1.0.weight")
    assert depthwise.contiguous().stride() != torch.empty(depthwise.shape).stride()
    torch.set_num_threads(num_threads)

    export_backbone(model, facts, PROBE)

    ckpt = torch.load(Path(facts.order.export_dir) / BACKBONE_CKPT, weights_only=True)
    assert all(tensor.stride() == torch.empty(tensor.shape).stride() for tensor in ckpt.values())
