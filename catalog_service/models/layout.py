"""Everything about a model's state but the numbers, and what a load did. No torch.

Mirrors `vertebra.model.v1` layout and lineage, field by field.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Literal, Self

from catalog_service.blobs import state_digest
from catalog_service.models.plain_json import JsonObject, from_plain, to_plain

Role = Literal["backbone", "neck", "head", "aux"]
"""The part of a model that a tensor belongs to; every tensor has exactly one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """One tensor of a state under its canonical name."""

    name: str
    dtype: str
    """In safetensors' spelling: F32, F16, BF16, I64, ..."""

    shape: tuple[int, ...]
    """Empty for a scalar."""

    role: str
    """One of `Role`."""

    is_buffer: bool = False

    @property
    def num_elements(self) -> int:
        """Return how many numbers the tensor holds; 1 for a scalar."""
        return prod(self.shape)

    @property
    def num_parameters(self) -> int:
        """Return how many numbers could train: 0 for a buffer."""
        return 0 if self.is_buffer else self.num_elements


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An ordered part of a backbone. `modules` are paths of modules, or of single tensors that lie
    in no module of the stage (a class token).
    """

    name: str
    modules: tuple[str, ...]
    num_parameters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrefixRename:
    """A prefix of a name in a backbone blob, and what stands in its place in the model."""

    blob_prefix: str
    model_prefix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateLayout:
    """Names, shapes, roles and stages of one model."""

    tensors: tuple[TensorInfo, ...]
    """In the order of the architecture's `state_dict()`."""

    stages: tuple[Stage, ...]
    """From the image side to the head side; together they hold every backbone tensor once."""

    head_modules: tuple[str, ...]
    """What trains under a frozen backbone."""

    replaced_modules: tuple[str, ...]
    """What a new task re-initialises; each is a head module or lies inside one."""

    layout_digest: str
    """`sha256:...` of `layout_digest(tensors)`."""

    neck_modules: tuple[str, ...] = ()
    aux_modules: tuple[str, ...] = ()
    backbone_architecture: str = ""
    """`resnet50` for `fcn_resnet50`: whose backbones fit here, and who names them in blobs."""

    backbone_names: tuple[PrefixRename, ...] = ()
    """From names in a backbone blob to names of this layout; no rule: the same name."""

    def model_name(self, blob_name: str) -> str:
        """Return what a tensor of a backbone blob is called in this model."""
        return in_model(self.backbone_names, blob_name)

    def blob_name(self, model_name: str) -> str:
        """Return what a backbone tensor of this model is called in a backbone blob."""
        return in_blob(self.backbone_names, model_name)

    def of_role(self, *roles: str) -> tuple[TensorInfo, ...]:
        """Return the tensors with one of `roles`, in order."""
        return tuple(tensor for tensor in self.tensors if tensor.role in roles)

    @property
    def num_parameters(self) -> int:
        """Return the number of parameters, buffers left out."""
        return sum(tensor.num_parameters for tensor in self.tensors)

    @property
    def num_backbone_parameters(self) -> int:
        """Return the number of parameters of role backbone."""
        return sum(tensor.num_parameters for tensor in self.of_role("backbone"))

    def to_json(self) -> JsonObject:
        """Return the layout as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the layout that `to_json` wrote."""
        return from_plain(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeMismatch:
    """A tensor whose shape in the source is not the layout's."""

    name: str
    source_shape: tuple[int, ...]
    layout_shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What happened to every tensor when a state was loaded. Nothing is dropped silently."""

    num_loaded: int = 0
    num_expected: int = 0
    num_elements_loaded: int = 0
    num_elements_expected: int = 0
    backbone_coverage: float = 0.0
    """Elements loaded / elements expected, of role backbone; 1.0 is all of it."""

    missing: tuple[str, ...] = ()
    """In the layout, not in the source."""

    unexpected: tuple[str, ...] = ()
    """In the source, not in the layout."""

    misshapen: tuple[ShapeMismatch, ...] = ()
    dropped: tuple[str, ...] = ()
    """In the source and left out on purpose, such as the published head under a new task."""

    initialised: tuple[str, ...] = ()
    """Drawn at random because the caller asked for it."""

    rules: tuple[str, ...] = ()
    """Rules that changed names, filled in counters or cast numbers, in the order they fired."""

    def to_json(self) -> JsonObject:
        """Return the report as plain JSON."""
        plain: JsonObject = to_plain(self)
        return plain

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Return the report that `to_json` wrote."""
        return from_plain(cls, data)


def in_model(rules: Iterable[PrefixRename], blob_name: str) -> str:
    """Return a backbone tensor's name in a model, from its name in a backbone blob."""
    for rule in rules:
        if blob_name.startswith(rule.blob_prefix):
            return rule.model_prefix + blob_name.removeprefix(rule.blob_prefix)
    return blob_name


def in_blob(rules: Iterable[PrefixRename], model_name: str) -> str:
    """Return a backbone tensor's name in a backbone blob, from its name in a model."""
    for rule in rules:
        if model_name.startswith(rule.model_prefix):
            return rule.blob_prefix + model_name.removeprefix(rule.model_prefix)
    return model_name


def is_inside(name: str, module: str) -> bool:
    """Return whether a tensor or module path is `module` or lies inside it; `""` holds all."""
    return not module or name == module or name.startswith(f"{module}.")


def layout_digest(tensors: Iterable[TensorInfo]) -> str:
    """Return `sha256:...` over the sorted lines `name dtype a,b,c`, one per tensor."""
    return state_digest.layout_digest(
        (tensor.name, tensor.dtype, tensor.shape) for tensor in tensors
    )
