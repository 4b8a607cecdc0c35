"""Random changes of a .pt and of a tar, made so that they reach the code that must refuse them."""

import copy
import json
import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testing.export.verify.small_artifact import write_records

Mutation = Callable[[bytearray, random.Random], object]

_INTERESTING = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF)
_HEADERS = (b"PK\3\4", b"PK\1\2", b"PK\5\6", b"ustar")
_NEAR = 300


def _place(content: bytearray, dice: random.Random) -> int:
    """Returns a position: every second one is near a header, where few bytes of a file are."""
    position = dice.randrange(len(content))
    if dice.random() < 0.5:
        found = content.find(dice.choice(_HEADERS), position)
        if found >= 0:
            position = found + dice.randrange(-_NEAR, _NEAR)
    return max(0, min(position, len(content) - 1))


def _flip(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 1, 8))):
        content[_place(content, dice)] ^= 1 << dice.randrange(8)


def _insert(content: bytearray, dice: random.Random) -> None:
    position = _place(content, dice)
    content[position:position] = dice.randbytes(dice.choice((1, 4, 64, 512)))


def _delete(content: bytearray, dice: random.Random) -> None:
    position = _place(content, dice)
    del content[position : position + dice.choice((1, 4, 64, 512))]


def _repeat(content: bytearray, dice: random.Random) -> None:
    start, size = _place(content, dice), dice.choice((30, 46, 512, 1024))
    content[start:start] = content[start : start + size]


def _move(content: bytearray, dice: random.Random) -> None:
    start, size = _place(content, dice), dice.choice((30, 46, 512, 1024))
    piece = content[start : start + size]
    del content[start : start + size]
    position = dice.randrange(len(content) + 1)
    content[position:position] = piece


def _cut(content: bytearray, dice: random.Random) -> None:
    del content[_place(content, dice) :]


def _append(content: bytearray, dice: random.Random) -> None:
    content += dice.randbytes(dice.choice((1, 22, 512))) if dice.random() < 0.5 else bytes(512)


def _set_field(content: bytearray, dice: random.Random) -> None:
    """Overwrites an aligned or unaligned number with one that programs trip over."""
    form = dice.choice(("<B", "<H", "<L"))
    size = struct.calcsize(form)
    number = dice.choice([value for value in _INTERESTING if value < 1 << (8 * size)])
    struct.pack_into(form, content, min(_place(content, dice), len(content) - size), number)


def _zip_field(content: bytearray, dice: random.Random) -> None:
    """Changes a field in a header of a zip file, where readers look."""
    signature = dice.choice((b"PK\3\4", b"PK\1\2", b"PK\5\6"))
    starts = [match.start() for match in re.finditer(re.escape(signature), content)]
    start = dice.choice(starts) + dice.randrange(4, 22)
    content[start] = dice.choice((0, 1, 8, 0xFF, content[start] ^ 1))


def _tar_field(content: bytearray, dice: random.Random) -> None:
    """Changes a field in a header of a tar and mends its checksum."""
    starts = [i for i in range(0, len(content), 512) if content[i + 257 : i + 262] == b"ustar"]
    start = dice.choice(starts)
    position = start + dice.choice((0, 99, 100, 108, 124, 134, 136, 156, 157, 265, 345, 500))
    content[position] = dice.choice(b"\x000157xLKg\xff")
    content[start + 148 : start + 156] = b" " * 8
    checksum = sum(content[start : start + 512])
    content[start + 148 : start + 156] = b"%06o\0 " % checksum


def _change_record(path: Path, dice: random.Random) -> None:
    """Changes, removes, adds or renames a record; checksums and form are right again."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice(list(records))
    what = dice.randrange(4)
    if what == 0:
        del records[name]
    elif what == 1:
        records[f"{name}{dice.randrange(100)}"] = records[name]
    elif what == 2:
        records[name] = records.pop(dice.choice(list(records)))
    else:
        content = bytearray(records[name])
        mutations = (_flip, _insert, _delete, _set_field) if len(content) > 8 else (_append,)
        dice.choice(mutations)(content, dice)
        records[name] = bytes(content)
    write_records(path, records)


_ANY: tuple[Mutation, ...] = (
    *(_flip, _flip, _insert, _delete, _repeat, _move, _cut, _append, _set_field),
)


def mutate_artifact(path: Path, original: bytes, dice: random.Random) -> str:
    """Writes a changed .pt; returns the name of the change."""
    mutation = dice.choice((*_ANY, _zip_field, _zip_field, None, None))
    if mutation:
        return _write(path, original, mutation, dice)
    path.write_bytes(original)
    _change_record(path, dice)
    return _change_record.__name__


def mutate_tar(path: Path, original: bytes, dice: random.Random) -> str:
    """Writes a changed tar; returns the name of the change."""
    return _write(path, original, dice.choice((*_ANY, _tar_field, _tar_field, _tar_field)), dice)


def _write(path: Path, original: bytes, mutation: Mutation, dice: random.Random) -> str:
    content = bytearray(original)
    mutation(content, dice)
    path.write_bytes(content)
    return mutation.__name__


_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**64, 1e308, "", "x" * 5000, "\x1b[2J", "\ud800", "../evil", [], {}),
    *(["x"] * 50, {"x": {}}, json.loads("[" * 40 + "]" * 40)),
)


def mutate_json(document: Any, dice: random.Random) -> Any:
    """Returns a JSON document with one change at a random place."""
    changed = copy.deepcopy(document)
    inner = changed
    while True:
        keys = list(inner) if isinstance(inner, dict) else range(len(inner))
        key: Any = dice.choice(keys)
        if not (isinstance(inner[key], (dict, list)) and inner[key]) or dice.random() < 0.2:
            break
        inner = inner[key]
    match dice.randrange(4):
        case 0:
            del inner[key]
        case 1 if isinstance(inner, dict):
            inner[f"{key}x"] = inner[key]
        case 2 if isinstance(inner, list):
            inner.append(inner[key])
        case _:
            inner[key] = dice.choice(_VALUES)
    return changed
