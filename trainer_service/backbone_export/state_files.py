"""The three files of numbers: how they are written, and under which names."""

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from catalog_service.models.layout import StateLayout
from trainer_service.jobs.exports import ExportFileKind

BACKBONE_SAFETENSORS = "backbone.safetensors"
BACKBONE_CKPT = "backbone.ckpt"
MODEL_SAFETENSORS = "model.safetensors"
METADATA = "metadata.json"

STATE_FILES = (MODEL_SAFETENSORS, BACKBONE_SAFETENSORS, BACKBONE_CKPT)

FILES: Mapping[str, ExportFileKind] = {
    BACKBONE_SAFETENSORS: "backbone_safetensors",
    BACKBONE_CKPT: "backbone_ckpt",
    MODEL_SAFETENSORS: "model_safetensors",
    METADATA: "metadata",
    "metrics.csv": "metrics_csv",
    "curves.png": "curves_png",
    "events.out.tfevents.0.run": "tensorboard_events",
}
"""TensorBoard reads every file whose name contains `tfevents`."""

State = Mapping[str, Tensor]


def in_plain_memory(state: State) -> dict[str, Tensor]:
    """Return copies on the CPU: row by row, aligned, without gradients, nothing shared.

    `contiguous()` would not do: a depthwise weight [C, 1, 3, 3] with its channels last counts as
    contiguous, keeps its strides, and makes another convolution with other roundings run.
    """
    plain = torch.contiguous_format
    return {
        name: tensor.detach().cpu().clone(memory_format=plain) for name, tensor in state.items()
    }


def hold(model: nn.Module, state: State) -> None:
    """Let a model hold exactly these tensors.

    What a module's own `state_dict` says besides tensors goes along: MNASNet loads no state that
    does not say its version.
    """
    whole = OrderedDict(state)
    whole._metadata = model.state_dict()._metadata  # type: ignore[attr-defined]  # torch's own
    model.load_state_dict(whole, strict=True, assign=True)


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
    for name in STATE_FILES:
        write_through(folder / name)


def write_through(path: Path) -> None:
    """Return once the file is on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def in_model_names(backbone: State, layout: StateLayout) -> State:
    """Return an exported backbone's tensors as the model calls them."""
    return {layout.model_name(name): tensor for name, tensor in backbone.items()}
