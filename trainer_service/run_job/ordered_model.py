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
from trainer_service.rank_place import RankPlace


def prepare_device(order: WorkOrder, place: RankPlace | None = None) -> torch.device:
    """Return the order's device, or that of one of its ranks, with the order's number of threads.

    Raises:
        DeviceUnavailable: torch sees no such device.
    """
    torch.set_num_threads(order.num_threads)
    if order.device != "cuda":
        return torch.device(order.device)
    num_devices, number = torch.cuda.device_count(), place.local_rank if place else 0
    if number >= num_devices:
        seen = f"{num_devices} of them" if num_devices else "none"
        raise DeviceUnavailable(
            f"the job is for {f'CUDA device {number}' if number else 'a CUDA device'} and torch"
            f" sees {seen}: check the driver, or set the trainer's device to cpu"
        )
    torch.cuda.set_device(number)
    return torch.device("cuda", number) if place else torch.device("cuda")


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
