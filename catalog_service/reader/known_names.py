"""What the few names that a tensor file needs stand for; everything else is inert or refused.

Nothing here imports or calls what a pickle names: each known name maps to a function of ours that
returns a plain value.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from catalog_service.reader.pickled_values import (
    STORAGE_DTYPES,
    TORCH_DTYPES,
    Ignored,
    Name,
    PickledMapping,
    StorageRef,
    TensorRef,
    tensor_ref,
)
from catalog_service.reader.unreadable import FileUnreadable

REFUSED_MODULES = frozenset(
    [
        "os",
        "posix",
        "nt",
        "subprocess",
        "sys",
        "runpy",
        "pty",
        "socket",
        "ctypes",
        "importlib",
        "shutil",
        "code",
        "codeop",
        "marshal",
        "pickle",
        "_pickle",
        "cPickle",
        "webbrowser",
        "commands",
        "popen2",
        "multiprocessing",
        "threading",
        "asyncio",
        "signal",
        "pdb",
        "timeit",
    ]
)
"""No tensor file needs these: a file that names one is an attack and is refused as a whole.
The list only decides between a refusal and a report; other names are not executed either."""

REFUSED_BUILTINS = frozenset(
    [
        "eval",
        "exec",
        "execfile",
        "compile",
        "open",
        "__import__",
        "input",
        "breakpoint",
        "exit",
        "quit",
        "globals",
        "locals",
        "vars",
        "apply",
        "file",
        "setattr",
        "delattr",
    ]
)


def check_name(name: Name) -> None:
    """Raises FileUnreadable for a name that no tensor file has."""
    top = name.module.partition(".")[0]
    is_builtin = top in ("builtins", "__builtin__")
    called = name.attribute.partition(".")[0]
    if top in REFUSED_MODULES or (is_builtin and called in REFUSED_BUILTINS):
        raise FileUnreadable(
            f"the file asks to run {str(name)!r} while it is read; nothing was run"
        )


def constructed(callee: Any, arguments: Any) -> Any:
    """Return what calling `callee` stands for: a plain value, a tensor reference or `Ignored`."""
    if not isinstance(callee, Name) or not isinstance(arguments, tuple):
        return Ignored("call of a value")
    function = _CONSTRUCTORS.get(str(callee))
    if function is None:
        return Ignored(str(callee))
    return function(arguments)


def referred(persistent_id: Any) -> StorageRef | Name:
    """Return the storage of ('storage', type, key, device, number of items[, view]), or the class
    of ('module', class, file, source), which stands for itself.
    """
    match persistent_id:
        case ("module", Name() as kind, *_):
            return kind
        case ("storage", Name() as kind, str(key), _, int(num_items), *view) if num_items >= 0:
            storage = StorageRef(key=key, dtype=_storage_dtype(kind), num_items=num_items)
            return _viewed(storage, view[0]) if view and view[0] is not None else storage
    raise FileUnreadable(f"an unknown persistent id {persistent_id!r}"[:200])


def _viewed(root: StorageRef, view: Any) -> StorageRef:
    match view:
        case (str(), int(first), int(num_items)) if (
            0 <= first <= first + num_items <= root.num_items
        ):
            return StorageRef(key=root.key, dtype=root.dtype, num_items=num_items, first_item=first)
    raise FileUnreadable("a storage view beyond its storage")


def _storage_dtype(kind: Name) -> str | None:
    if kind.module in ("torch", "torch.cuda", "torch.storage"):
        if kind.attribute == "UntypedStorage":
            return None
        if kind.attribute in STORAGE_DTYPES:
            return STORAGE_DTYPES[kind.attribute]
    raise FileUnreadable(f"numbers of an unsupported kind: {str(kind)!r}")


def _tensor(arguments: Sequence[Any]) -> TensorRef | Ignored:
    return _plain(tensor_ref(arguments, None), arguments[6:7])


def _typed_tensor(arguments: Sequence[Any]) -> TensorRef | Ignored:
    dtype = arguments[6]
    if not isinstance(dtype, Name) or dtype.attribute not in TORCH_DTYPES:
        raise FileUnreadable(f"numbers of an unsupported kind: {str(dtype)!r}"[:200])
    return _plain(tensor_ref(arguments, TORCH_DTYPES[dtype.attribute]), arguments[7:8])


def _plain(tensor: TensorRef, metadata: Sequence[Any]) -> TensorRef | Ignored:
    """Return the tensor unless its numbers are not those stored: `conj()` and its `imag` are views
    that torch saves as a mark beside the numbers that they were made of.
    """
    if not any(isinstance(each, PickledMapping) and each.items for each in metadata):
        return tensor
    return Ignored("a tensor marked conj or neg; save it after resolve_conj().resolve_neg()")


def _tensor_of_type(arguments: Sequence[Any]) -> Any:
    return constructed(arguments[0], arguments[2])


def _mapping(arguments: Sequence[Any]) -> PickledMapping:
    pairs = arguments[0] if arguments and isinstance(arguments[0], list) else []
    return PickledMapping(items={pair[0]: pair[1] for pair in pairs})


def _first(arguments: Sequence[Any]) -> Any:
    return arguments[0]


def _sequence(arguments: Sequence[Any]) -> Any:
    items = arguments[0] if arguments else ()
    return tuple(items) if isinstance(items, list | tuple) else Ignored("sequence")


_CONSTRUCTORS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "collections.OrderedDict": _mapping,
    "collections.defaultdict": lambda _: PickledMapping(),
    "builtins.dict": _mapping,
    "builtins.set": _sequence,
    "__builtin__.set": _sequence,
    "torch.Size": _sequence,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._tensor._rebuild_from_type_v2": _tensor_of_type,
}
"""Source: torch/_utils.py and torch/_tensor.py, the functions that `Tensor.__reduce_ex__` names."""
