"""An export counts only when it was read back and is equal; until then it has another name."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.models.freeze_plan import FreezeMode, freeze_plan
from tests.fakes.work_orders import write_tiny_order
from trainer_service.backbone_export import (
    BACKBONE_CKPT,
    BACKBONE_SAFETENSORS,
    METADATA,
    MODEL_SAFETENSORS,
    ExportFacts,
    export,
    export_backbone,
)
from trainer_service.errors import ExportNotEqual, FrozenStateChanged
from trainer_service.freezing import tensor_digest
from trainer_service.jobs.plan import PhasePlan
from trainer_service.run_job import load_model, make_plan

PROBE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def prepared(
    folder: Path, freeze: FreezeMode | None = None, **spec: object
) -> tuple[nn.Module, ExportFacts]:
    """Return a model as if it had been trained, and what is known of it."""
    order = write_tiny_order(folder, freeze=freeze, **spec)  # type: ignore[arg-type]
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


def test_a_model_that_asks_for_its_version_is_exported(tmp_path: Path) -> None:
    """A plain dictionary of its tensors has none, and MNASNet does not load it."""
    order = write_tiny_order(tmp_path, architecture_id="mnasnet0_5")
    model = load_model(order.model)
    facts = ExportFacts(order=order, plan=make_plan(order), fingerprint="", metrics={})
    with pytest.raises(ValueError, match="version"):
        model.load_state_dict(dict(model.state_dict()))

    exported = export_backbone(model, facts, PROBE)

    assert exported.backbone_digest == order.model.backbone_digest


def test_the_metadata_name_the_data_and_not_where_it_lies(tmp_path: Path) -> None:
    """Whoever reads an export's lineage in the catalog and in its file reads the same."""
    model, facts = prepared(tmp_path)

    exported = export_backbone(model, facts, PROBE)

    metadata = json.loads((Path(facts.order.export_dir) / METADATA).read_text())
    assert metadata["lineage"]["dataset"] == "data"
    assert metadata["lineage"]["source_digest"] == exported.files[0].digest


@pytest.mark.parametrize("name", [BACKBONE_SAFETENSORS, BACKBONE_CKPT, MODEL_SAFETENSORS])
def test_a_file_that_reads_back_otherwise_fails_the_export(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that changes one number is noticed before the export has its name."""
    model, facts = prepared(tmp_path)
    whole = export.write_states

    def write_and_spoil(folder: Path, state: dict[str, Tensor], names: tuple[str, ...]) -> None:
        whole(folder, state, names)
        path = folder / name
        is_ckpt = name == BACKBONE_CKPT
        tensors = torch.load(path, weights_only=True) if is_ckpt else load_file(path)
        tensors["conv5.0.weight"] = tensors["conv5.0.weight"] * 1.01
        torch.save(tensors, path) if is_ckpt else save_file(tensors, path)

    monkeypatch.setattr(export, "write_states", write_and_spoil)

    with pytest.raises(ExportNotEqual, match=f"{name} read back has other numbers in conv5.0.w"):
        export_backbone(model, facts, PROBE)

    assert not Path(facts.order.export_dir).exists()


def test_a_frozen_backbone_that_is_not_its_parents_is_no_export(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"))
    with torch.no_grad():
        model.get_parameter("conv1.0.weight").add_(1e-3)

    with pytest.raises(FrozenStateChanged, match=r"1 of 336 .*: conv1\.0\.weight"):
        export_backbone(model, facts, PROBE)

    assert not Path(facts.order.export_dir).exists()


def test_recalibrated_statistics_are_an_export_of_their_own(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"), norm="recalibrate")
    model.get_buffer("conv1.1.running_mean").add_(0.1)

    exported = export_backbone(model, facts, PROBE)

    assert exported.backbone_digest != facts.order.model.backbone_digest


def test_recalibration_moves_statistics_and_nothing_else(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"), norm="recalibrate")
    with torch.no_grad():
        model.get_parameter("conv1.1.weight").add_(0.1)

    with pytest.raises(FrozenStateChanged, match=r"conv1\.1\.weight"):
        export_backbone(model, facts, PROBE)


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


def test_what_every_phase_freezes_is_certified_in_the_metadata(tmp_path: Path) -> None:
    """A later phase may move what the first one freezes; the stem moves in neither."""
    model, facts = prepared(tmp_path, FreezeMode(kind="frozen_backbone"))
    layout = facts.order.model.layout
    later = freeze_plan(layout, FreezeMode(kind="last_blocks", num_blocks=1))
    phases = tuple(
        PhasePlan(freeze=freeze, optimizer_groups=()) for freeze in (facts.plan.freeze, later)
    )
    with torch.no_grad():
        model.get_parameter("conv5.0.weight").add_(1e-3)

    export_backbone(model, replace(facts, plan=replace(facts.plan, phases=phases)), PROBE)

    frozen = metadata_of(facts)["frozen"]
    expected = tensor_digest(model.get_parameter("conv1.0.weight"))
    assert frozen["tensors"]["conv1.0.weight"] == expected
    assert not {"conv5.0.weight", "fc.weight"} & frozen["tensors"].keys()
    assert frozen["num_tensors"] == len(frozen["tensors"])


def test_metadata_are_json_that_every_reader_takes(tmp_path: Path) -> None:
    """R2 of constant targets is NaN, which no JSON parser but Python's knows."""
    model, facts = prepared(tmp_path)

    export_backbone(model, replace(facts, metrics={"r2": math.nan, "mae": 0.5}, epoch=3), PROBE)

    text = (Path(facts.order.export_dir) / METADATA).read_text()
    document = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert document["metrics"] == {"r2": None, "mae": 0.5}
    assert (document["epoch"], document["lineage"]["num_epochs"]) == (3, 3)
    assert document["task"] == facts.plan.task
    assert document["digests"]["plan"].startswith("sha256:")


def test_views_of_the_run_lie_beside_the_numbers(tmp_path: Path) -> None:
    model, facts = prepared(tmp_path)
    table = tmp_path / "somewhere.csv"
    table.write_text("epoch\n1\n")

    exported = export_backbone(model, replace(facts, views={"metrics_csv": table}), PROBE)

    (file,) = (file for file in exported.files if file.kind == "metrics_csv")
    assert Path(file.path) == Path(facts.order.export_dir) / "metrics.csv"
    assert Path(file.path).read_text() == "epoch\n1\n"
    assert file.digest == sha256_of_file(table)


def metadata_of(facts: ExportFacts) -> dict[str, Any]:
    """Return what the exported metadata say."""
    document: dict[str, Any] = json.loads((Path(facts.order.export_dir) / METADATA).read_text())
    return document
