"""The model of an order: built, checked against the order's digests, on the CPU."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from catalog_service.blobs.state_digest import state_digest, tensor_digests
from catalog_service.models.assemble import assemble
from catalog_service.models.template import template
from trainer_service.errors import DeviceUnavailable, StateNotAsOrdered
from trainer_service.jobs import JobModel, WorkOrder


def prepare_device(order: WorkOrder) -> torch.device:
    """Return the order's device, with the order's number of threads.

    Raises:
        DeviceUnavailable: torch sees no such device.
    """
    torch.set_num_threads(order.num_threads)
    if order.device == "cuda" and not torch.cuda.is_available():
        raise DeviceUnavailable(
            "the job is for a CUDA device and torch sees none: check the driver, or set the"
            " trainer's device to cpu"
        )
    return torch.device(order.device)


def load_model(ordered: JobModel) -> nn.Module:
    """Return the ordered model on the CPU. Its files are mapped privately: what training writes
    stays in this process.

    Raises:
        StateNotAsOrdered: the layout or the numbers are not those of the order's digests.
    """
    layout = template(ordered.recipe).layout
    if layout.layout_digest != ordered.layout.layout_digest:
        raise StateNotAsOrdered(
            f"this trainer builds {ordered.recipe.builder} with layout {layout.layout_digest}, the"
            f" catalog with {ordered.layout.layout_digest}: install the same torchvision on both"
        )
    backbone, head = Path(ordered.backbone_path), Path(ordered.head_path)
    inside, outside = tensor_digests(backbone), tensor_digests(head)
    whole = [replace(each, name=layout.model_name(each.name)) for each in inside] + outside
    require_digest("backbone", [backbone], state_digest(inside), ordered.backbone_digest)
    require_digest("state", [backbone, head], state_digest(whole), ordered.state_digest)
    return assemble(ordered.recipe, backbone, head)


def require_digest(what: str, paths: list[Path], found: str, expected: str) -> None:
    """Raise StateNotAsOrdered if the tensors of these files are not those of the digest."""
    if found != expected:
        names = " and ".join(repr(str(path)) for path in paths)
        raise StateNotAsOrdered(f"the {what} digest of {names} is {found}, ordered was {expected}")
