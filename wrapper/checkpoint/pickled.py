"""Reads the tensors that a pickle of torch's describes, without running anything in it.

torch.save and torch.jit.save write such pickles beside records of numbers. torch.load trusts the
record lengths in such a pickle and builds whatever objects it names. This module parses the opcodes
instead: it checks that every tensor lies inside its storage and returns the storages, for
comparison with the zip records. Imports no torch.

The pickle of {"w": torch.zeros(2, 3)}, without BINPUT, which copies the top of the stack to a memo:

    opcode                                       stack after it, top on the right
    PROTO      2
    EMPTY_DICT                                   {}
    BINUNICODE 'w'                               {} 'w'
    GLOBAL     'torch._utils _rebuild_tensor_v2' {} 'w' rebuild
    MARK, MARK                                   {} 'w' rebuild ( (
    BINUNICODE 'storage'
    GLOBAL     'torch FloatStorage'
    BINUNICODE '0'                                            name of the record
    BINUNICODE 'cpu'
    BININT1    6                                              numbers in the record
    TUPLE                                        {} 'w' rebuild ( ('storage', Float, '0', 'cpu', 6)
    BINPERSID                                    {} 'w' rebuild ( Storage('0', 6)
    BININT1    0                                              offset
    BININT1    2, BININT1 3, TUPLE2                           size
    BININT1    3, BININT1 1, TUPLE2                           stride
    NEWFALSE                                                  requires_grad
    GLOBAL     'collections OrderedDict'
    EMPTY_TUPLE, REDUCE                                       hooks: an empty dict
    TUPLE                                        {} 'w' rebuild (Storage, 0, (2, 3), (3, 1), …)
    REDUCE                                       {} 'w' Tensor
    SETITEM                                      {'w': Tensor}
    STOP
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
_MAXIMUM_DIMENSIONS = 64  # torch's own limit


class PickleError(ValueError):
    """A pickle that torch would not write.

    The message is a predicate ("has the opcode X ..."); callers prefix it with the file's name.
    """


@dataclasses.dataclass(frozen=True)
class Storage:
    """A record of numbers.

    Attributes:
        record: Name of the record.
        kind: Name of torch's class, such as "FloatStorage".
        device: Device that the numbers were on when they were saved.
        numbers: Count of the numbers.
    """

    record: str
    kind: str
    device: str
    numbers: int


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A view that lies inside its storage; offset and stride count numbers, not bytes."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class _Global:
    name: str


def read(data: bytes, known: Callable[[str], bool]) -> tuple[Any, dict[str, Storage]]:
    """Follows the opcodes of a pickle with its own stack.

    Args:
        data: An untrusted pickle.
        known: Returns whether "module name", other than tensor classes, may appear as a global.
            Objects it would build become None.

    Returns:
        The content, reduced to dicts with string keys, tensors and literals: lists and other dicts
        are empty. And the storages, by record.

    Raises:
        PickleError: The pickle has a global or an opcode that torch does not write, a tensor
            reaches beyond its storage, or a dict has a key twice.
    """
    try:
        return _Reader(known).read(data)
    except PickleError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise PickleError(f"is not a pickle that torch writes: {error}") from None


class _Reader:
    """A pickle machine without the opcodes that torch does not use; each method is one opcode."""

    def __init__(self, known: Callable[[str], bool]) -> None:
        self.known = known
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.storages: dict[str, Storage] = {}

    def read(self, data: bytes) -> tuple[Any, dict[str, Storage]]:
        end = 0
        opcode: pickletools.OpcodeInfo
        for opcode, argument, position in pickletools.genops(data):
            end = position or 0
            handle = _OPCODES.get(opcode.name)
            if handle is None:
                raise PickleError(f"has the opcode {opcode.name}, which torch does not write")
            handle(self, argument)
        if end + 1 != len(data):
            raise PickleError(f"has {len(data) - end - 1} bytes after its end")
        return self.stack[-1], self.storages

    def skip(self, _argument: Any) -> None:
        pass

    def literal(self, argument: Any) -> None:
        self.stack.append(argument)

    def empty_dict(self, _argument: Any) -> None:
        self.stack.append({})

    def empty_list(self, _argument: Any) -> None:
        self.stack.append([])

    def mark(self, _argument: Any) -> None:
        self.marks.append(len(self.stack))

    def tuple_from_mark(self, _argument: Any) -> None:
        self.stack.append(tuple(self._pop_from(self.marks.pop())))

    def put(self, argument: int) -> None:
        self.memo[argument] = self.stack[-1]

    def get(self, argument: int) -> None:
        self.stack.append(self.memo[argument])

    def name_global(self, argument: str) -> None:
        of_tensors = argument in (_DICT, _REBUILD, _PARAMETER) or _STORAGE.fullmatch(argument)
        if not of_tensors and not self.known(argument):
            name = argument.replace(" ", ".")
            raise PickleError(f"names {name!r}, which is not part of weights")
        self.stack.append(_Global(argument))

    def refer_to_storage(self, _argument: Any) -> None:
        what, kind, record, device, numbers = self.stack.pop()
        # Types come first, and values are not shown: a tuple of tuples may have no end.
        types = [type(it) for it in (what, record, device, numbers)]
        if types != [str, str, str, int] or what != "storage" or not _STORAGE.fullmatch(kind.name):
            raise PickleError("refers to something other than a storage")
        storage = Storage(record, kind.name.removeprefix("torch "), device, numbers)
        if self.storages.setdefault(record, storage) != storage:
            raise PickleError(f"gives data/{record} two sizes")
        self.stack.append(storage)

    def new_object(self, _argument: Any) -> None:
        called, _ = self._pop_last(2)
        if not self.known(called.name):
            raise PickleError(f"calls {called.name.replace(' ', '.')} as torch does not")
        self.stack.append(None)

    def call(self, _argument: Any) -> None:
        called, arguments = self._pop_last(2)
        if called.name == _DICT and arguments == ():
            self.stack.append({})
        elif called.name == _REBUILD:
            self.stack.append(_tensor(*arguments[:4]))
        elif called.name == _PARAMETER:
            self.stack.append(arguments[0])
        elif self.known(called.name):
            self.stack.append(None)
        else:
            raise PickleError(f"calls {called.name.replace(' ', '.')} as torch does not")

    def set_item(self, _argument: Any) -> None:
        _set_items(self._pop_last(2), self.stack[-1])

    def set_items(self, _argument: Any) -> None:
        _set_items(self._pop_from(self.marks.pop()), self.stack[-1])

    def drop(self, _argument: Any) -> None:
        self.stack.pop()

    def drop_from_mark(self, _argument: Any) -> None:
        self._pop_from(self.marks.pop())

    def _pop_last(self, count: int) -> list[Any]:
        return self._pop_from(len(self.stack) - count)

    def _pop_from(self, start: int) -> list[Any]:
        """Removes and returns the stack's items from index `start` on."""
        if start < 0:
            raise IndexError("its stack is empty")
        items = self.stack[start:]
        del self.stack[start:]
        return items


_Handler = Callable[[_Reader, Any], None]


def _constant(value: Any) -> _Handler:
    return lambda reader, _argument: reader.stack.append(value)


def _tuple_of(count: int) -> _Handler:
    return lambda reader, _argument: reader.stack.append(tuple(reader._pop_last(count)))


_OPCODES: dict[str, _Handler] = {
    "PROTO": _Reader.skip,
    "STOP": _Reader.skip,
    # Literals.
    "BINFLOAT": _Reader.literal,
    "BININT": _Reader.literal,
    "BININT1": _Reader.literal,
    "BININT2": _Reader.literal,
    "BINUNICODE": _Reader.literal,
    "LONG1": _Reader.literal,
    "NEWFALSE": _constant(False),
    "NEWTRUE": _constant(True),
    "NONE": _constant(None),
    # Tuples.
    "MARK": _Reader.mark,
    "EMPTY_TUPLE": _constant(()),
    "TUPLE": _Reader.tuple_from_mark,
    "TUPLE1": _tuple_of(1),
    "TUPLE2": _tuple_of(2),
    "TUPLE3": _tuple_of(3),
    # The memo.
    "BINPUT": _Reader.put,
    "LONG_BINPUT": _Reader.put,
    "BINGET": _Reader.get,
    "LONG_BINGET": _Reader.get,
    # Objects.
    "GLOBAL": _Reader.name_global,
    "BINPERSID": _Reader.refer_to_storage,
    "NEWOBJ": _Reader.new_object,
    "REDUCE": _Reader.call,
    # Dicts keep their items. Lists and the state of objects are dropped.
    "EMPTY_DICT": _Reader.empty_dict,
    "SETITEM": _Reader.set_item,
    "SETITEMS": _Reader.set_items,
    "EMPTY_LIST": _Reader.empty_list,
    "APPEND": _Reader.drop,
    "APPENDS": _Reader.drop_from_mark,
    "BUILD": _Reader.drop,
}


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
    integers = isinstance(size, tuple) and {type(n) for n in (offset, *size, *stride)} == {int}
    if not integers or len(size) > _MAXIMUM_DIMENSIONS or not isinstance(storage, Storage):
        raise PickleError(
            "has a tensor without a storage, or with a shape other than "
            f"at most {_MAXIMUM_DIMENSIONS} integers"
        )
    steps = [(n - 1) * step for n, step in zip(size, stride, strict=True)]
    if min(offset, *size, *stride, 0) < 0 or (
        0 not in size and offset + sum(steps) >= storage.numbers
    ):
        raise PickleError(f"has a tensor of {list(size)} that reaches beyond its storage")
    return Tensor(storage, offset, size, stride)
