"""Interprets a pickle as data.

Why an own machine and not `pickle.Unpickler` with a restricted `find_class`: the C unpickler calls
whatever `find_class` returned and sets attributes on it, so its safety rests on every stand-in
being inert under every call. Here no opcode has a way to import or call anything:
`pickletools.genops` only splits the bytes, and each opcode is one small function on a stack of
plain values.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any

from catalog_service.reader.known_names import check_name, constructed, referred
from catalog_service.reader.pickled_values import Ignored, Name, PickledMapping, StorageRef
from catalog_service.reader.unreadable import FileUnreadable

MAX_OPCODES = 1_000_000
"""Two seconds. About 30 opcodes make a tensor; the largest published state has some 2,000."""


class _Mark:
    """Where a group of stack items begins."""


_MARK = _Mark()


class PickleMachine:
    """A stack and a memo. `run` reads one pickle from a file and returns its value.

    `storage_dtypes` has every storage that the pickle named, used by a tensor or not.
    """

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self.storage_dtypes: dict[str, str | None] = {}

    def run(self, file: IO[bytes]) -> Any:
        """Return the value of the pickle at the file's position, and leave the file behind it.

        Raises:
            FileUnreadable: malformed, too long, or it names something that would execute.
        """
        try:
            for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
                if count > MAX_OPCODES:
                    raise FileUnreadable(f"more than {MAX_OPCODES} pickle opcodes")
                if opcode.name == "STOP":
                    return self._stack.pop()
                self._step(opcode.name, argument)
        except FileUnreadable:
            raise
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise FileUnreadable(f"a malformed pickle: {error}"[:300]) from error
        raise FileUnreadable("a pickle without an end")

    def _step(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self._stack.append(argument)
        elif name in _MADE:
            self._stack.append(_MADE[name]())
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in _SKIPPED:
            raise FileUnreadable(f"a pickle opcode that tensor files do not use: {name}")

    def _pop_group(self) -> list[Any]:
        for position in range(len(self._stack) - 1, -1, -1):
            if self._stack[position] is _MARK:
                group = self._stack[position + 1 :]
                del self._stack[position:]
                return group
        raise FileUnreadable("a malformed pickle: no mark")

    def _pop(self, _: Any) -> None:
        self._stack.pop()

    def _drop_group(self, _: Any) -> None:
        self._pop_group()

    def _duplicate(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    def _tuple_of_group(self, _: Any) -> None:
        self._stack.append(tuple(self._pop_group()))

    def _list_of_group(self, _: Any) -> None:
        self._stack.append(self._pop_group())

    def _dict_of_group(self, _: Any) -> None:
        group = self._pop_group()
        mapping = PickledMapping(items=dict(zip(group[::2], group[1::2], strict=True)))
        self._stack.append(mapping)

    def _tuple_of(self, count: int) -> None:
        items = tuple(self._stack[-count:])
        if len(items) != count:
            raise FileUnreadable("a malformed pickle: a short stack")
        del self._stack[-count:]
        self._stack.append(items)

    def _append(self, _: Any) -> None:
        item = self._stack.pop()
        self._extend_with([item])

    def _append_group(self, _: Any) -> None:
        self._extend_with(self._pop_group())

    def _extend_with(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Ignored):
            raise FileUnreadable("a malformed pickle: items for what is no list")

    def _set_item(self, _: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_pairs([(key, value)])

    def _set_group(self, _: Any) -> None:
        group = self._pop_group()
        self._set_pairs(list(zip(group[::2], group[1::2], strict=True)))

    def _set_pairs(self, pairs: list[tuple[Any, Any]]) -> None:
        target = self._stack[-1]
        if isinstance(target, PickledMapping):
            target.items.update(pairs)
        elif not isinstance(target, Ignored):
            raise FileUnreadable("a malformed pickle: pairs for what is no dict")

    def _put(self, index: Any) -> None:
        self._memo[int(index)] = self._stack[-1]

    def _memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _get(self, index: Any) -> None:
        self._stack.append(self._memo[int(index)])

    def _global(self, argument: str) -> None:
        module, _, attribute = argument.partition(" ")
        self._push_name(Name(module, attribute))

    def _stack_global(self, _: Any) -> None:
        attribute, module = self._stack.pop(), self._stack.pop()
        if not (isinstance(attribute, str) and isinstance(module, str)):
            raise FileUnreadable("a malformed pickle: a name that is no text")
        self._push_name(Name(module, attribute))

    def _push_name(self, name: Name) -> None:
        check_name(name)
        self._stack.append(name)

    def _call(self, _: Any) -> None:
        arguments, callee = self._stack.pop(), self._stack.pop()
        self._stack.append(constructed(callee, arguments))

    def _call_with_keywords(self, _: Any) -> None:
        self._stack.pop()
        self._call(None)

    def _instance(self, argument: str) -> None:
        self._global(argument)
        callee = self._stack.pop()
        self._stack.append(constructed(callee, tuple(self._pop_group())))

    def _object(self, _: Any) -> None:
        callee, *arguments = self._pop_group()
        self._stack.append(constructed(callee, tuple(arguments)))

    def _build(self, _: Any) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, PickledMapping) and isinstance(state, PickledMapping):
            target.attributes.update(state.items)

    def _persistent(self, _: Any) -> None:
        found = referred(self._stack.pop())
        if isinstance(found, StorageRef):
            known = self.storage_dtypes.setdefault(found.key, found.dtype)
            if (
                known != found.dtype
            ):  # torch.save makes no such file, and torch.load reads the first
                raise FileUnreadable(f"storage {found.key!r} has two kinds of numbers"[:200])
        self._stack.append(found)


_PUSHED = frozenset(
    [
        "INT",
        "LONG",
        "LONG1",
        "LONG4",
        "BININT",
        "BININT1",
        "BININT2",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
        "UNICODE",
        "BINUNICODE",
        "SHORT_BINUNICODE",
        "BINUNICODE8",
        "BINBYTES",
        "SHORT_BINBYTES",
        "BINBYTES8",
        "BYTEARRAY8",
    ]
)
_SKIPPED = frozenset(("PROTO", "FRAME"))
_MADE: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": PickledMapping,
    "EMPTY_SET": list,
    "MARK": lambda: _MARK,
}
_ACTIONS: Mapping[str, Callable[[PickleMachine, Any], None]] = {
    "POP": PickleMachine._pop,
    "POP_MARK": PickleMachine._drop_group,
    "DUP": PickleMachine._duplicate,
    "TUPLE": PickleMachine._tuple_of_group,
    "TUPLE1": lambda machine, _: machine._tuple_of(1),
    "TUPLE2": lambda machine, _: machine._tuple_of(2),
    "TUPLE3": lambda machine, _: machine._tuple_of(3),
    "LIST": PickleMachine._list_of_group,
    "FROZENSET": PickleMachine._tuple_of_group,
    "DICT": PickleMachine._dict_of_group,
    "APPEND": PickleMachine._append,
    "APPENDS": PickleMachine._append_group,
    "ADDITEMS": PickleMachine._append_group,
    "SETITEM": PickleMachine._set_item,
    "SETITEMS": PickleMachine._set_group,
    "PUT": PickleMachine._put,
    "BINPUT": PickleMachine._put,
    "LONG_BINPUT": PickleMachine._put,
    "MEMOIZE": PickleMachine._memoize,
    "GET": PickleMachine._get,
    "BINGET": PickleMachine._get,
    "LONG_BINGET": PickleMachine._get,
    "GLOBAL": PickleMachine._global,
    "STACK_GLOBAL": PickleMachine._stack_global,
    "REDUCE": PickleMachine._call,
    "NEWOBJ": PickleMachine._call,
    "NEWOBJ_EX": PickleMachine._call_with_keywords,
    "INST": PickleMachine._instance,
    "OBJ": PickleMachine._object,
    "BUILD": PickleMachine._build,
    "BINPERSID": PickleMachine._persistent,
}
