"""What torchvision's weight enums say, as plain data. Imports torch and torchvision."""

import math
from enum import Enum
from typing import Any

from torch import nn
from torchvision.models import WeightsEnum

MIB = 2**20


def plain_transform(member: WeightsEnum) -> dict[str, Any]:
    """Return a weight's evaluation transform: its class and the numbers that it holds."""
    transform = member.transforms()
    own = vars(transform).keys() - vars(nn.Module()).keys()
    numbers = {name: _plain(getattr(transform, name)) for name in sorted(own)}
    return {"kind": type(transform).__name__, **numbers}


def metrics(member: WeightsEnum) -> list[dict[str, Any]]:
    """Return the published results as rows of data set, name and value.

    Results that are not numbers are left out: VGG16's feature weights have no accuracy.
    """
    return [
        {"dataset": dataset, "name": name, "value": float(value)}
        for dataset, results in member.meta["_metrics"].items()
        for name, value in results.items()
        if math.isfinite(value)
    ]


def licence(member: WeightsEnum) -> str:
    """Return the publisher's words, or `unknown` where there are none."""
    return str(member.meta.get("license", "unknown"))


def size_bytes(member: WeightsEnum) -> int:
    """Return the published file size, which is given in MiB."""
    size_mib: float = member.meta["_file_size"]
    return round(size_mib * MIB)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    assert value is None or isinstance(value, bool | int | float | str), value
    return value
