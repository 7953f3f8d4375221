"""An export in numbered steps: written aside, proven, described, and only then given its name."""

import json
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

from torch import nn

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.state_digest import state_digest, tensor_digests
from trainer_service.backbone_export.certificate import still_tensors
from trainer_service.backbone_export.facts import ExportFacts
from trainer_service.backbone_export.metadata import Digests, metadata
from trainer_service.backbone_export.proof import require_equal
from trainer_service.backbone_export.state_files import (
    BACKBONE_SAFETENSORS,
    FILES,
    METADATA,
    MODEL_SAFETENSORS,
    hold,
    in_plain_memory,
    write_states,
    write_through,
)
from trainer_service.datasets.batch import Inputs
from trainer_service.jobs import Export, ExportFile
from trainer_service.jobs.exports import ExportFileKind


def export_backbone(model: nn.Module, facts: ExportFacts, probe: Inputs) -> Export:
    """Write the export and return it once it is whole, proven and under its final name.

    Args:
        model: trained, as it was built and not compiled; is left on the CPU, in evaluation mode,
            contiguous.
        probe: images on the CPU that both models are compared on, as the model takes them.

    Raises:
        ExportNotEqual: what was read back gives other numbers.
        FrozenStateChanged: a tensor that was frozen throughout is not its parent's.
    """
    # 1. The numbers, aside
    state = in_plain_memory(model.state_dict())
    hold(model.eval().cpu(), state)
    final = Path(facts.order.export_dir)
    staged = final.with_name(f"{final.name}.tmp-{facts.order.nonce}")
    staged.mkdir(parents=True)
    write_states(staged, state, facts.order.model.layout)
    # 2. The proof that they are the trained ones, and that what was frozen is its parent's
    require_equal(staged, model, facts, probe)
    digests = read_digests(staged, facts)
    # 3. What is known of them, and the views of the run
    _write_json(staged / METADATA, metadata(facts, digests))
    _copy_views(staged, facts)
    files = _export_files(staged, final, facts)
    # 4. The name
    _sync_folder(staged)
    staged.rename(final)
    _sync_folder(final.parent)
    return Export(
        architecture_id=facts.order.model.layout.backbone_architecture,
        backbone_digest=digests.backbone,
        state_digest=digests.state,
        files=files,
        metrics=dict(facts.metrics),
        create_time=time.time(),
        epoch=facts.epoch,
    )


def read_digests(folder: Path, facts: ExportFacts) -> Digests:
    """Return the digests of what is on the disk.

    Raises:
        FrozenStateChanged: a tensor that was frozen throughout is not its parent's.
    """
    whole = tensor_digests(folder / MODEL_SAFETENSORS)
    return Digests(
        backbone_file=sha256_of_file(folder / BACKBONE_SAFETENSORS),
        backbone=state_digest(tensor_digests(folder / BACKBONE_SAFETENSORS)),
        state=state_digest(whole),
        still=still_tensors(facts, whole),
    )


def _copy_views(staged: Path, facts: ExportFacts) -> None:
    views = {name: facts.views[kind] for name, kind in FILES.items() if kind in facts.views}
    for name, path in {**views, **{path.name: path for path in facts.samples}}.items():
        shutil.copyfile(path, staged / name)
        write_through(staged / name)


def _export_files(staged: Path, final: Path, facts: ExportFacts) -> tuple[ExportFile, ...]:
    """Return what was written, in the order in which people see it."""
    written = [
        _export_file(staged, final, name, kind)
        for name, kind in FILES.items()
        if (staged / name).exists()
    ]
    samples = [
        replace(_export_file(staged, final, path.name, "sample_png"), sample=sample)
        for path, sample in facts.samples.items()
    ]
    return (*written, *samples)


def _export_file(staged: Path, final: Path, name: str, kind: ExportFileKind) -> ExportFile:
    return ExportFile(
        kind=kind,
        path=str(final / name),
        digest=sha256_of_file(staged / name),
        size_bytes=(staged / name).stat().st_size,
    )


def _write_json(path: Path, document: object) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False, allow_nan=False)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
