"""The tensors that a TorchScript pickle describes, read off its opcodes; nothing in it is run.

libtorch believes what a pickle says of the length of a record. So this is where it is checked: each
tensor lies within its storage, and the storages' lengths are returned, to compare with the records.
"""

import dataclasses
import math
import pickletools
import re
from typing import Any

_ITEM_BYTES = {"torch FloatStorage": 4, "torch HalfStorage": 2, "torch LongStorage": 8}
"""The storages that the exporter's files have."""

_CLASS = re.compile(r"__torch__(\.\w+)* \w+", re.ASCII)
"""A class whose code is in the archive."""

_DICT = "collections OrderedDict"
_REBUILD = "torch._utils _rebuild_tensor_v2"
_MARK = object()
_CONSTANTS: dict[str, Any] = {
    "EMPTY_DICT": None,
    "EMPTY_TUPLE": (),
    "NEWFALSE": False,
    "NEWTRUE": True,
    "NONE": None,
}
_LITERALS = {"BINFLOAT", "BININT", "BININT1", "BININT2", "BINUNICODE"}


class PickleError(ValueError):
    """A pickle that TorchScript does not write; the message says why, of "it"."""


@dataclasses.dataclass(frozen=True)
class _Global:
    name: str


@dataclasses.dataclass(frozen=True)
class _Storage:
    numbers: int


def tensor_records(data: bytes) -> dict[str, int]:
    """Follows the opcodes of a pickle with a stack of its own.

    Args:
        data: `data.pkl` or `constants.pkl` of a TorchScript archive.

    Returns:
        Bytes of each record of tensor data that it refers to, by the record's name.

    Raises:
        PickleError: It names a class or function, or has an opcode, that the exporter's files do
            not have; or a tensor reaches beyond its storage.
    """
    try:
        return _Reader().read(data)
    except PickleError:
        raise
    except (
        AttributeError,
        IndexError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise PickleError(f"is no pickle that TorchScript writes: {error}") from None


class _Reader:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.records: dict[str, int] = {}

    def read(self, data: bytes) -> dict[str, int]:
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
            elif name == "MARK":
                self.stack.append(_MARK)
            elif name == "TUPLE":
                self.stack.append(tuple(self._pop_to_mark()))
            elif name == "GLOBAL":
                self.stack.append(_allowed(argument))
            elif name in ("BINPUT", "LONG_BINPUT"):
                memo[argument] = self.stack[-1]
            elif name in ("BINGET", "LONG_BINGET"):
                self.stack.append(memo[argument])
            elif name == "BINPERSID":
                self.stack.append(self._storage(*self.stack.pop()))
            elif name in ("NEWOBJ", "REDUCE"):
                arguments, called = self.stack.pop(), self.stack.pop()
                self.stack.append(_made(name, called, arguments))
            elif name == "SETITEMS":
                self._pop_to_mark()
            elif name == "BUILD":
                self.stack.pop()
            elif name not in ("PROTO", "STOP"):
                raise PickleError(f"has the opcode {name}, which TorchScript does not write")
        if end + 1 != len(data):
            raise PickleError(f"has {len(data) - end - 1} bytes after its end")
        return self.records

    def _pop_to_mark(self) -> list[Any]:
        start = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        items = self.stack[start + 1 :]
        del self.stack[start:]
        return items

    def _storage(self, kind: str, dtype: _Global, record: str, device: str, numbers: int) -> object:
        if kind != "storage" or device != "cpu" or type(numbers) is not int:
            raise PickleError(f"has a {kind} of {numbers} for {device}, not a storage for the CPU")
        size = _ITEM_BYTES[dtype.name] * numbers
        if self.records.setdefault(record, size) != size:
            raise PickleError(f"gives data/{record} two sizes")
        return _Storage(numbers)


def _allowed(name: str) -> _Global:
    if name not in (_DICT, _REBUILD, *_ITEM_BYTES) and not _CLASS.fullmatch(name):
        raise PickleError(f"names {name.replace(' ', '.')!r}, which no file of the exporter's does")
    return _Global(name)


def _made(opcode: str, called: _Global, arguments: tuple[Any, ...]) -> object:
    """What a call gives: nothing that anything here looks at, once a tensor is seen to be sound."""
    if opcode == "NEWOBJ" and _CLASS.fullmatch(called.name):
        return None
    if opcode == "REDUCE" and called.name == _DICT and arguments == ():
        return None
    if opcode == "REDUCE" and called.name == _REBUILD:
        storage, offset, size, stride, *_ = arguments
        steps = [(n - 1) * step for n, step in zip(size, stride, strict=True)]
        if min(offset, *size, *stride, 0) < 0 or (
            math.prod(size) and offset + sum(steps) >= storage.numbers
        ):
            raise PickleError(f"has a tensor of {list(size)} that reaches beyond its storage")
        return None
    raise PickleError(f"calls {called.name.replace(' ', '.')} as TorchScript does not")
