"""What a finished job leaves: the backbone in two formats, the whole model, and what is known.

Nothing counts as saved before it was read back from the disk, loaded strictly into a fresh model
and compared with the trained one. Until then it lies under a temporary name.
"""

import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from catalog_service.blobs.digests import sha256_of_file
from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.models.assemble import assembled
from catalog_service.models.layout import StateLayout
from catalog_service.models.plain_json import to_plain
from trainer_service.errors import ExportNotEqual, FrozenStateChanged
from trainer_service.jobs import Export, ExportFile, TrainPlan, WorkOrder
from trainer_service.jobs.events import ExportFileKind
from trainer_service.jobs.lineage import export_lineage

BACKBONE_SAFETENSORS = "backbone.safetensors"
BACKBONE_CKPT = "backbone.ckpt"
MODEL_SAFETENSORS = "model.safetensors"
METADATA = "metadata.json"

FILES: Mapping[str, ExportFileKind] = {
    BACKBONE_SAFETENSORS: "backbone_safetensors",
    BACKBONE_CKPT: "backbone_ckpt",
    MODEL_SAFETENSORS: "model_safetensors",
    METADATA: "metadata",
}

LIBRARIES = ("torch", "torchvision", "safetensors", "numpy", "pillow", "vertebra")
"""Whose releases an export names."""

State = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFacts:
    """What is known of a trained model besides its numbers."""

    order: WorkOrder
    plan: TrainPlan
    fingerprint: str
    """Of the data."""
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Digests:
    backbone_file: str
    """Of its bytes; the others are of what they mean."""
    backbone: str
    state: str


def export_backbone(model: nn.Module, facts: ExportFacts, probe: Tensor) -> Export:
    """Write the export and return it once it is whole, proven and under its final name.

    Args:
        model: trained; is left on the CPU, in evaluation mode, contiguous.
        probe: [B, 3, H, W], on the CPU: images that both models are compared on.

    Raises:
        ExportNotEqual: what was read back gives other numbers.
        FrozenStateChanged: a backbone that was frozen is not its parent's.
    """
    state = in_plain_memory(model.state_dict())
    model.eval().cpu().load_state_dict(state, strict=True, assign=True)
    final = Path(facts.order.export_dir)
    staged = final.with_name(f"{final.name}.tmp-{facts.order.nonce}")
    staged.mkdir(parents=True)
    write_states(staged, state, facts.order.model.layout)
    require_equal(staged, model, facts, probe)
    digests = read_digests(staged)
    require_parent(facts, digests)
    _write_json(staged / METADATA, metadata(facts, digests))
    files = tuple(_export_file(staged, final, name) for name in FILES)
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
    )


def in_plain_memory(state: State) -> dict[str, Tensor]:
    """Return copies on the CPU: row by row, aligned, without gradients, nothing shared.

    `contiguous()` would not do: a depthwise weight [C, 1, 3, 3] with its channels last counts as
    contiguous, keeps its strides, and makes another convolution with other roundings run.
    """
    plain = torch.contiguous_format
    return {
        name: tensor.detach().cpu().clone(memory_format=plain) for name, tensor in state.items()
    }


def write_states(folder: Path, state: State, layout: StateLayout) -> None:
    """Write the whole model under its own names, and the backbone alone in both formats under the
    backbone architecture's; through to the disk.
    """
    backbone = OrderedDict(
        (layout.blob_name(tensor.name), state[tensor.name]) for tensor in layout.of_role("backbone")
    )
    save_file(dict(state), folder / MODEL_SAFETENSORS, metadata={"format": "pt"})
    save_file(dict(backbone), folder / BACKBONE_SAFETENSORS, metadata={"format": "pt"})
    with (folder / BACKBONE_CKPT).open("wb") as file:  # by a path, torch hides why it failed
        torch.save(backbone, file)
    for name in (MODEL_SAFETENSORS, BACKBONE_SAFETENSORS, BACKBONE_CKPT):
        with (folder / name).open("rb+") as file:
            os.fsync(file.fileno())


def require_equal(folder: Path, model: nn.Module, facts: ExportFacts, probe: Tensor) -> None:
    """Raise ExportNotEqual unless each file gives the trained model's numbers, to the last bit."""
    layout = facts.order.model.layout
    names = {tensor.name for tensor in layout.of_role("backbone")}
    whole = load_file(folder / MODEL_SAFETENSORS)
    head = {name: tensor for name, tensor in whole.items() if name not in names}
    backbones: Mapping[str, Callable[[], State]] = {
        MODEL_SAFETENSORS: lambda: {name: whole[name] for name in names},
        BACKBONE_SAFETENSORS: lambda: in_model_names(
            load_file(folder / BACKBONE_SAFETENSORS), layout
        ),
        BACKBONE_CKPT: lambda: in_model_names(
            torch.load(folder / BACKBONE_CKPT, weights_only=True), layout
        ),
    }
    with one_thread():
        expected = outputs_of(model, facts, probe)
        for name, read in backbones.items():
            state = in_plain_memory({**head, **read()})
            fresh = assembled(facts.order.model.recipe, state).eval()
            _require_same(name, outputs_of(fresh, facts, probe), expected)


def in_model_names(backbone: State, layout: StateLayout) -> State:
    """Return an exported backbone's tensors as the model calls them."""
    return {layout.model_name(name): tensor for name, tensor in backbone.items()}


def _require_same(name: str, found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor]) -> None:
    for what, one, other in zip(("features", "outputs"), found, expected, strict=True):
        if not torch.equal(one, other):
            difference = float((one - other).abs().max())
            raise ExportNotEqual(f"{name} read back gives {what} that differ by up to {difference}")


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread: sums that are cut into other parts on a busy host round otherwise."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def outputs_of(model: nn.Module, facts: ExportFacts, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return what enters the head, and what leaves it."""
    features: list[Tensor] = []
    hooks = [
        model.get_submodule(path).register_forward_pre_hook(
            lambda _module, inputs: features.append(inputs[0].clone())
        )
        for path in facts.order.model.layout.head_modules
    ]
    with torch.no_grad():
        outputs = model(images)
    for hook in hooks:
        hook.remove()
    return features[0], outputs


def read_digests(folder: Path) -> _Digests:
    """Return the digests of what is on the disk."""
    return _Digests(
        backbone_file=sha256_of_file(folder / BACKBONE_SAFETENSORS),
        backbone=state_digest(tensor_digests(folder / BACKBONE_SAFETENSORS)),
        state=state_digest(tensor_digests(folder / MODEL_SAFETENSORS)),
    )


def require_parent(facts: ExportFacts, digests: _Digests) -> None:
    """Raise FrozenStateChanged if a backbone that was frozen throughout is not its parent's."""
    was_still = facts.order.spec.freeze.kind == "frozen_backbone"
    parent = facts.order.model.backbone_digest
    if was_still and facts.order.spec.norm != "recalibrate" and digests.backbone != parent:
        raise FrozenStateChanged(
            f"the backbone was frozen, its digest was {parent} and is {digests.backbone}"
        )


def metadata(facts: ExportFacts, digests: _Digests) -> dict[str, object]:
    """Return what a reader of the files needs to use them and to know where they come from."""
    order, plan = facts.order, facts.plan
    lineage = export_lineage(
        order.job_id,
        order.spec,
        order.model,
        num_images=plan.num_train_images,
        source_digest=digests.backbone_file,
    )
    return {
        "format": "vertebra-export/1",
        "architecture": order.model.recipe.architecture_id,
        "backbone_architecture": order.model.layout.backbone_architecture,
        "class_names": list(plan.output.class_names),
        "input": to_plain(plan.input),
        "output": to_plain(plan.output),
        "recipe": to_plain(order.model.recipe),
        "digests": {
            "backbone": digests.backbone,
            "state": digests.state,
            "layout": order.model.layout.layout_digest,
            "parent_backbone": order.model.backbone_digest,
            "parent_state": order.model.state_digest,
        },
        "lineage": to_plain(lineage),
        "plan": to_plain(plan),
        "spec": to_plain(order.spec),
        "data": {
            "fingerprint": facts.fingerprint,
            "num_train_images": plan.num_train_images,
            "num_validation_images": plan.num_validation_images,
            "num_images_per_class": list(plan.num_images_per_class),
        },
        "metrics": dict(facts.metrics),
        "job": {"job_id": order.job_id, "attempt": order.attempt},
        "libraries": {name: release_of(name) for name in LIBRARIES},
    }


def release_of(library: str) -> str:
    """Return the installed release, or `source` where it runs from a checkout."""
    try:
        return version(library)
    except PackageNotFoundError:
        return "source"


def _export_file(staged: Path, final: Path, name: str) -> ExportFile:
    return ExportFile(
        kind=FILES[name],
        path=str(final / name),
        digest=sha256_of_file(staged / name),
        size_bytes=(staged / name).stat().st_size,
    )


def _write_json(path: Path, document: object) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
