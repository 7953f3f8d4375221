"""Finds the state dictionary in what a file holds, and says what lies beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
    "state_dict_ema",
    "model_ema",
    "ema",
    "module",
)
"""Under which keys frameworks keep the state: Lightning and lightly (state_dict), PyTorch's
tutorials (model_state_dict), timm and torchvision's references (model, with state_dict_ema or
model_ema), DINO (student, teacher). Where several hold one, all are taken, each behind its key: who
reads the names chooses. What was not taken is reported."""

MAX_DEPTH = 4

MAX_SHOWN_CHARS = 120
"""Of one value, where a file's are shown."""

MAX_TENSORS = 50_000
"""About 30 pickle opcodes make a tensor, and there is a limit to those, too."""

METADATA = "__metadata__"
"""What is no tensor in the header of a safetensors file."""

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
    """Return the state in `root`: `root` itself, or what lies under `STATE_KEYS`.

    Of several side by side the names begin with their keys: `student.conv1.weight`.

    Raises:
        FileUnreadable: there is no mapping from names to tensors.
    """
    if not isinstance(root, PickledMapping) or not _has_state(root, MAX_DEPTH):
        raise FileUnreadable(_no_state(root))
    found = _found(root)
    _check_names(found.tensors)
    return found


def _no_state(root: Any) -> str:
    """Return what is there instead, and how to get a state out of a pickled model."""
    inside = root.items if isinstance(root, PickledMapping) else {}
    models = [each for each in (root, *map(inside.get, STATE_KEYS)) if isinstance(each, Ignored)]
    if not models and inside:
        within = listed([_described(key, value)[:MAX_SHOWN_CHARS] for key, value in inside.items()])
        return f"no state dictionary in it, but a mapping with {within}"
    if not models:
        return f"no state dictionary in it, but {_kind(root)}"
    return (
        f"no state dictionary in it, but {_kind(models[0])}: a whole pickled object, which only "
        f"its own code can open. {WAY_OUT}"
    )


def _has_state(mapping: PickledMapping, depth: int) -> bool:
    if _tensors(mapping):
        return True
    inner = (mapping.items.get(key) for key in STATE_KEYS if depth)
    return any(isinstance(each, PickledMapping) and _has_state(each, depth - 1) for each in inner)


def _found(mapping: PickledMapping, depth: int = MAX_DEPTH) -> FoundState:
    """Return the state in a mapping that has one: its own tensors, or what lies under its keys.

    A tensor or two beside a state (a generator's, a queue) are no state themselves.
    """
    tensors = _tensors(mapping)
    states = _inner(mapping, depth)
    if len(tensors) > max((len(each.tensors) for each in states.values()), default=0):
        beside = tuple(_described(k, v) for k, v in mapping.items.items() if k not in tensors)
        return FoundState(
            tensors=tensors, taken_from="", versions=_versions(mapping), ignored=beside
        )
    beside = tuple(_described(k, v) for k, v in mapping.items.items() if k not in states)
    return _single(states, beside) if len(states) == 1 else _side_by_side(states, beside)


def _inner(mapping: PickledMapping, depth: int) -> dict[str, FoundState]:
    """Return the states under the keys of a mapping."""
    return {
        key: _found(inner, depth - 1)
        for key in STATE_KEYS
        if depth
        and isinstance(inner := mapping.items.get(key), PickledMapping)
        and _has_state(inner, depth - 1)
    }


def _single(states: Mapping[str, FoundState], beside: tuple[str, ...]) -> FoundState:
    ((key, state),) = states.items()
    return replace(
        state,
        taken_from=f"{key}.{state.taken_from}".removesuffix("."),
        ignored=(*beside, *state.ignored),
    )


def _side_by_side(states: Mapping[str, FoundState], beside: tuple[str, ...]) -> FoundState:
    """Return all states in one; keys inside of each are left out, as where there is one alone."""
    return FoundState(
        tensors={
            f"{key}.{name}": t for key, one in states.items() for name, t in one.tensors.items()
        },
        taken_from="",
        versions={
            f"{key}.{path}": n for key, one in states.items() for path, n in one.versions.items()
        },
        ignored=(*beside, *(each for one in states.values() for each in one.ignored)),
    )


def _tensors(mapping: PickledMapping) -> dict[str, TensorRef]:
    return {
        key: value
        for key, value in mapping.items.items()
        if isinstance(key, str) and isinstance(value, TensorRef)
    }


def _check_names(tensors: Mapping[str, TensorRef]) -> None:
    if len(tensors) > MAX_TENSORS:
        raise FileUnreadable(f"{len(tensors)} tensors; the limit is {MAX_TENSORS}")
    if METADATA in tensors:
        raise FileUnreadable(f"a tensor is called {METADATA!r}, which no safetensors file can hold")
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
