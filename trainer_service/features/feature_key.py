"""What kept features depend on, as one digest: anything else may change without harm."""

import hashlib
import json
import platform

import PIL
import torch
import torchvision
from torch import Tensor, nn

from catalog_service.models.layout import is_inside
from trainer_service.datasets.batches import ImageBatches
from trainer_service.features.caching import Caching
from trainer_service.features.cut import Cut

RELEASE = 1
"""Of this format and of how rows are computed: a change here makes every older key useless."""


def feature_key(model: nn.Module, cut: Cut, batches: ImageBatches, caching: Caching) -> str:
    """Return 64 hex digits, or "" where the images have no digest.

    They stand for: the frozen part's structure and numbers, the images as the model sees them in
    their order, the number of images that go through it together, precision and machine.
    """
    images = batches.dataset.digests
    if not all(digest for split in images for digest in split) or not images[0]:
        return ""
    told = {
        "release": RELEASE,
        "architecture": caching.identity,
        "slots": [[str(entry) for entry in slot.entries] for slot in cut.slots],
        "frozen": _frozen_digest(model, cut),
        "images": hashlib.sha256(json.dumps(images).encode()).hexdigest(),
        "input": str(batches.contract),
        "variation": _variation(batches, caching),
        "batch_size": caching.batch_size,
        "precision": caching.precision,
        "machine": _machine(batches.device),
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _frozen_digest(model: nn.Module, cut: Cut) -> str:
    """Return the digest of all that is not living, also what comes after it."""
    whole = hashlib.sha256()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if not any(is_inside(name, path) for path in cut.live):
            whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            whole.update(_bytes(tensor))
    return whole.hexdigest()


def _variation(batches: ImageBatches, caching: Caching) -> str:
    if not batches.order.augmentation:
        return ""
    order = batches.order
    return f"{order.augmentation} seed {order.seed} views {caching.plan.num_views}"


def _machine(device: torch.device) -> str:
    """Return what makes sums round otherwise."""
    versions = (
        f"torch {torch.__version__} torchvision {torchvision.__version__} Pillow {PIL.__version__}"
    )
    if device.type == "cuda":
        return f"{versions} {torch.cuda.get_device_name(device)}"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{versions} {platform.machine()} {capability} threads {torch.get_num_threads()}"


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
    return flat.numpy().data
