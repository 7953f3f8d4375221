"""The parameters of SimCLR's projection by name and shape; `tasks/simclr` builds it. No torch."""

from catalog_service.models.layout import TensorInfo
from trainer_service.jobs import SimClrSpec

LAST_UNITS = 128
"""Width of what is compared, unless the spec names widths. Source: SimCLR, arXiv:2002.05709,
section 3."""


def projection_units(spec: SimClrSpec, num_features: int) -> tuple[int, ...]:
    """Return the widths of the projection's layers."""
    return spec.projection_units or (num_features, LAST_UNITS)


def projection_tensors(spec: SimClrSpec, num_features: int) -> tuple[TensorInfo, ...]:
    """Return the projection's parameters: a linear layer without bias and a batch norm for each
    width, with a ReLU between two widths; modules 0, 1, 2, ... of a sequence.

    Source: SimCLR, arXiv:2002.05709, section 2.1; google-research/simclr, `projection_head`.
    """
    tensors: list[TensorInfo] = []
    before = num_features
    for number, width in enumerate(projection_units(spec, num_features)):
        linear, norm = f"projection.{3 * number}", f"projection.{3 * number + 1}"
        tensors += [
            _parameter(f"{linear}.weight", (width, before)),
            _parameter(f"{norm}.weight", (width,)),
            _parameter(f"{norm}.bias", (width,)),
        ]
        before = width
    return tuple(tensors)


def _parameter(name: str, shape: tuple[int, ...]) -> TensorInfo:
    return TensorInfo(name=name, dtype="F32", shape=shape, role="head")
