"""Finds the state dictionary in what a file holds, and says what lies beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog_service.blobs.safetensors_file import is_unicode
from catalog_service.errors import listed
from catalog_service.reader.pickled_values import Ignored, Name, PickledMapping, TensorRef
from catalog_service.reader.unreadable import FileUnreadable

STATE_KEYS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "network",
    "net",
    "backbone",
    "student",
    "teacher",
    "model_ema",
    "module",
)
"""Under which keys frameworks keep the state, the first one found wins: Lightning and lightly
(state_dict), PyTorch's tutorials (model_state_dict), timm and torchvision's references (model),
DINO (student, teacher). What was not taken is reported."""

MAX_DEPTH = 4

MAX_TENSORS = 50_000
"""About 30 pickle opcodes make a tensor, and there is a limit to those, too."""

WAY_OUT = (
    "Save its numbers alone where that code is: torch.save(model.state_dict(), path), or for a "
    "TorchScript file torch.save(torch.jit.load(file).state_dict(), path)"
)
"""For whoever has a model that was pickled as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundState:
    """The tensors of a state by name.

    Attributes:
        taken_from: the keys that led to it, such as `state_dict`; empty at the top.
        versions: module path -> version, from torch's `_metadata`.
        ignored: what was not taken, as `name (kind)`.
    """

    tensors: dict[str, TensorRef]
    taken_from: str
    versions: dict[str, int]
    ignored: tuple[str, ...]


def find_state(root: Any) -> FoundState:
    """Return the state in `root`: `root` itself, or the mapping under one of `STATE_KEYS`.

    Raises:
        FileUnreadable: there is no mapping from names to tensors.
    """
    keys: list[str] = []
    beside: list[str] = []
    mapping = root
    while isinstance(mapping, PickledMapping) and not _tensors(mapping):
        inner = [key for key in STATE_KEYS if isinstance(mapping.items.get(key), PickledMapping)]
        if not inner or len(keys) == MAX_DEPTH:
            break
        beside += [_described(k, v) for k, v in mapping.items.items() if k != inner[0]]
        keys.append(inner[0])
        mapping = mapping.items[inner[0]]
    if not isinstance(mapping, PickledMapping) or not _tensors(mapping):
        raise FileUnreadable(_no_state(root, keys))
    tensors = _tensors(mapping)
    _check_names(tensors)
    beside += [_described(k, v) for k, v in mapping.items.items() if k not in tensors]
    return FoundState(
        tensors=tensors,
        taken_from=".".join(keys),
        versions=_versions(mapping),
        ignored=tuple(beside),
    )


def _no_state(root: Any, keys: Sequence[str]) -> str:
    """Return what is there instead, and how to get a state out of a pickled model."""
    where = f" under {'.'.join(keys)!r}" if keys else ""
    models = [root] if isinstance(root, Ignored) else _pickled_models(root)
    if not models:
        return f"no state dictionary in it{where}, but {_kind(root)}"
    return (
        f"no state dictionary in it, but {_kind(models[0])}: a whole pickled model, which only its "
        f"own code can open. {WAY_OUT}"
    )


def _pickled_models(root: Any) -> list[Ignored]:
    if not isinstance(root, PickledMapping):
        return []
    found = [root.items.get(key) for key in STATE_KEYS]
    return [value for value in found if isinstance(value, Ignored)]


def _tensors(mapping: PickledMapping) -> dict[str, TensorRef]:
    return {
        key: value
        for key, value in mapping.items.items()
        if isinstance(key, str) and isinstance(value, TensorRef)
    }


def _check_names(tensors: Mapping[str, TensorRef]) -> None:
    if len(tensors) > MAX_TENSORS:
        raise FileUnreadable(f"{len(tensors)} tensors; the limit is {MAX_TENSORS}")
    for name in tensors:
        if not is_unicode(name):
            raise FileUnreadable(f"tensor name {name[:100]!r} is not Unicode")


def _versions(mapping: PickledMapping) -> dict[str, int]:
    """Return torch's `_metadata`: {module path: {"version": n}}, the malformed parts left out."""
    metadata = mapping.attributes.get("_metadata")
    if not isinstance(metadata, PickledMapping):
        return {}
    return {
        path: local.items["version"]
        for path, local in metadata.items.items()
        if isinstance(path, str)
        and isinstance(local, PickledMapping)
        and type(local.items.get("version")) is int
    }


def _described(key: Any, value: Any) -> str:
    """Return `key (kind)`, with `?` for what no message can carry."""
    text = f"{str(key)[:100]} ({_kind(value)})"
    return text.encode(errors="replace").decode()


def _kind(value: Any) -> str:
    match value:
        case Ignored(type_name=type_name):
            return type_name[:100]
        case Name():
            return f"the name {value}"[:100]
        case PickledMapping(items=items):
            return f"a mapping with {listed([str(key)[:40] for key in items]) or 'nothing in it'}"
        case TensorRef():
            return "a tensor"
        case list() | tuple():
            return f"{len(value)} values"
        case _:
            return type(value).__name__
