"""The tensors that a pickle of torch's describes, read off its opcodes; nothing in it is run.

torch.save and torch.jit.save write such pickles beside records of numbers. torch believes what they
say of the length of a record, and makes whatever object of any size they ask for. So this is where
they are read: each tensor lies within its storage, and the storages are returned, to compare with
the records. Needs no torch.
"""

import dataclasses
import pickletools
import re
from collections.abc import Callable
from typing import Any

_DICT = "collections OrderedDict"
_REBUILD = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
_STORAGE = re.compile(r"torch \w+Storage", re.ASCII)
_MAXIMUM_DIMENSIONS = 64  # torch's own

_CONSTANTS: dict[str, Any] = {
    "EMPTY_TUPLE": (),
    "NEWFALSE": False,
    "NEWTRUE": True,
    "NONE": None,
}
_LITERALS = {"BINFLOAT", "BININT", "BININT1", "BININT2", "BINUNICODE", "LONG1"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class PickleError(ValueError):
    """A pickle that torch does not write; the message says why, of "it"."""


@dataclasses.dataclass(frozen=True)
class Storage:
    """Numbers in a record of their own.

    Attributes:
        record: Name of the record.
        kind: Such as "FloatStorage".
        device: Where they were.
        numbers: How many.
    """

    record: str
    kind: str
    device: str
    numbers: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view of a storage, which it does not reach beyond; offset and stride are in numbers."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Global:
    name: str


def read(data: bytes, known: Callable[[str], bool]) -> tuple[Any, dict[str, Storage]]:
    """Follows the opcodes of a pickle with a stack of its own.

    Args:
        data: A pickle that nobody vouches for.
        known: Whether a class or function, "module name", may be named beside those that tensors
            are made of. What it makes is None here.

    Returns:
        What was pickled, as far as it is dicts with names for keys, tensors and literals: lists and
        other dicts are empty. And the storages, by record.

    Raises:
        PickleError: It names another class or function, or has an opcode, that torch does not
            write; a tensor reaches beyond its storage, or a dict has a name twice.
    """
    try:
        return _Reader(known).read(data)
    except PickleError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise PickleError(f"is no pickle that torch writes: {error}") from None


class _Reader:
    def __init__(self, known: Callable[[str], bool]) -> None:
        self.known = known
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.storages: dict[str, Storage] = {}

    def read(self, data: bytes) -> tuple[Any, dict[str, Storage]]:
        memo: dict[int, Any] = {}
        end = 0
        opcode: pickletools.OpcodeInfo
        argument: Any
        for opcode, argument, position in pickletools.genops(data):
            name, end = opcode.name, position or 0
            if name in _LITERALS:
                self.stack.append(argument)
            elif name in _CONSTANTS:
                self.stack.append(_CONSTANTS[name])
            elif name == "EMPTY_DICT":
                self.stack.append({})
            elif name == "EMPTY_LIST":
                self.stack.append([])
            elif name == "MARK":
                self.marks.append(len(self.stack))
            elif name == "TUPLE":
                self.stack.append(tuple(self._pop(self.marks.pop())))
            elif name in _TUPLES:
                self.stack.append(tuple(self._pop(len(self.stack) - _TUPLES[name])))
            elif name == "GLOBAL":
                self.stack.append(self._global(argument))
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = self.stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self.stack.append(memo[argument])
            elif name == "BINPERSID":
                self.stack.append(self._storage(*self.stack.pop()))
            elif name in ("NEWOBJ", "REDUCE"):
                called, arguments = self._pop(len(self.stack) - 2)
                self.stack.append(self._made(name, called, arguments))
            elif name == "SETITEM":
                _set_items(self._pop(len(self.stack) - 2), self.stack[-1])
            elif name == "SETITEMS":
                _set_items(self._pop(self.marks.pop()), self.stack[-1])
            elif name == "APPENDS":
                self._pop(self.marks.pop())
            elif name in ("APPEND", "BUILD"):
                self.stack.pop()
            elif name not in ("PROTO", "STOP"):
                raise PickleError(f"has the opcode {name}, which torch does not write")
        if end + 1 != len(data):
            raise PickleError(f"has {len(data) - end - 1} bytes after its end")
        return self.stack[-1], self.storages

    def _pop(self, start: int) -> list[Any]:
        """Takes what is on the stack from `start` on."""
        if start < 0:
            raise IndexError("its stack is empty")
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def _global(self, name: str) -> _Global:
        torchs = name in (_DICT, _REBUILD, _PARAMETER) or _STORAGE.fullmatch(name)
        if not torchs and not self.known(name):
            raise PickleError(f"names {name.replace(' ', '.')!r}, which is no part of weights")
        return _Global(name)

    def _storage(self, what: str, kind: _Global, record: str, device: str, numbers: int) -> Storage:
        # Never shown, nor hashed before its type is known: a tuple of tuples may have no end.
        types = [type(it) for it in (what, record, device, numbers)]
        if types != [str, str, str, int] or what != "storage" or not _STORAGE.fullmatch(kind.name):
            raise PickleError("refers to something else than a storage")
        storage = Storage(record, kind.name.removeprefix("torch "), device, numbers)
        if self.storages.setdefault(record, storage) != storage:
            raise PickleError(f"gives data/{record} two sizes")
        return storage

    def _made(self, opcode: str, called: _Global, arguments: tuple[Any, ...]) -> Any:
        """What a call gives."""
        if opcode == "REDUCE" and called.name == _DICT and arguments == ():
            return {}
        if opcode == "REDUCE" and called.name == _REBUILD:
            return _tensor(*arguments[:4])
        if opcode == "REDUCE" and called.name == _PARAMETER:
            return arguments[0]
        if self.known(called.name):
            return None
        raise PickleError(f"calls {called.name.replace(' ', '.')} as torch does not")


def _set_items(items: list[Any], target: Any) -> None:
    if not isinstance(target, dict):
        return
    for name, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(name, str):
            continue
        if name in target:
            raise PickleError(f"has {name[:100]!r} twice")
        target[name] = value


def _tensor(
    storage: Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> Tensor:
    whole = isinstance(size, tuple) and {type(n) for n in (offset, *size, *stride)} == {int}
    if not whole or len(size) > _MAXIMUM_DIMENSIONS or not isinstance(storage, Storage):
        raise PickleError("has a tensor without a storage, or whose shape is not whole numbers")
    steps = [(n - 1) * step for n, step in zip(size, stride, strict=True)]
    if min(offset, *size, *stride, 0) < 0 or (
        0 not in size and offset + sum(steps) >= storage.numbers
    ):
        raise PickleError(f"has a tensor of {list(size)} that reaches beyond its storage")
    return Tensor(storage, offset, size, stride)
