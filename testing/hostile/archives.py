"""Hostile .pt files, each made from a good one: a table of what verify must refuse.

The kinds are those in which an earlier verify, which read the code in a file against an allow-list,
was broken; and the ways in which two readers of one zip file see different records.
"""

import dataclasses
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER
from testing.export.verify.small_artifact import CODE, rewrite, write_records
from testing.hostile.pickle_bytes import END, HEAD, number, numbers, storage, tensor, text

DATA = f"{FOLDER}/data.pkl"
CONSTANTS = f"{FOLDER}/constants.pkl"
MANIFEST = f"{FOLDER}/extra/{NAME_IN_ARCHIVE}"
MEAN, TENSOR = f"{FOLDER}/data/0", f"{FOLDER}/data/2"
"""The first constant, and a weight."""

_SIGNATURE = b"    x: Tensor) -> Tensor:\n"
_CLASS = b"class CorridorKeyNukeWrapper(Module):\n"
_HEIGHT = b"    height = torch.size(x, 2)\n"

Records = list[tuple[zipfile.ZipInfo, bytes]]


@dataclasses.dataclass(frozen=True)
class Hostile:
    """One hostile file.

    Attributes:
        kind: What is attacked.
        fault: What is wrong with the file.
        harm: Makes a good file so. Code in it writes to the second path if it runs.
        message: Regular expression for the reason of the refusal.
        runs: Whether torch runs that code: "load", "forward", or "" where it does not.
    """

    kind: str
    fault: str
    harm: Callable[[Path, Path], object]
    message: str
    runs: str = ""


def records(path: Path) -> Records:
    """Returns the records of a file, in order."""
    with zipfile.ZipFile(path) as file:
        return [(info, file.read(info)) for info in file.infolist()]


def write(path: Path, content: Records) -> None:
    """Writes a zip file of records, each compressed as it says."""
    with zipfile.ZipFile(path, "w") as file:
        for info, data in content:
            file.writestr(info, data, info.compress_type)


# Code.


def _first(line: str) -> Callable[[Path, Path], None]:
    """Runs a line of TorchScript before anything else in forward; WITNESS is the witness."""

    def harm(path: Path, witness: Path) -> None:
        code = line.replace("WITNESS", json.dumps(str(witness))).encode()
        rewrite(path, CODE, _SIGNATURE, _SIGNATURE + b"    " + code + b"\n")

    return harm


def _at_load(path: Path, witness: Path) -> None:
    """Gives the wrapper a __setstate__, which torch.jit.load runs, and a tensor for its state."""
    name = "__torch__.wrapper.nuke_wrapper.CorridorKeyNukeWrapper"
    methods = (
        f"  def __getstate__(self: {name}) -> Tensor:\n"
        "    return self.mean\n"
        f"  def __setstate__(self: {name},\n"
        "    state: Tensor) -> NoneType:\n"
        f"    torch.save(state, {json.dumps(str(witness))})\n"
        "    return None\n"
    )
    rewrite(path, CODE, b"  def forward(self", methods.encode() + b"  def forward(self")
    state = tensor(numbers(3), numbers(1), of=storage(number(3)))
    module, _, class_name = name.rpartition(".")
    made = f"c{module}\n{class_name}\n)\x81".encode("latin1") + state + b"b"
    _whole(DATA, HEAD + made + END)(path, witness)


def _whole(record: str, content: bytes) -> Callable[[Path, Path], None]:
    """Replaces a record."""

    def harm(path: Path, witness: Path) -> None:
        replaced = {info.filename: data for info, data in records(path)}
        replaced[record] = content.replace(b"WITNESS", str(witness).encode())
        write_records(path, replaced)

    return harm


def _edit(record: str, old: bytes, new: bytes) -> Callable[[Path, Path], None]:
    return lambda path, _: rewrite(path, record, old, new)


def _system(command: str) -> bytes:
    """A pickle that runs a command in a shell."""
    return HEAD + b"cposix\nsystem\n(" + text(command) + b"tR" + END


_CODE_KIND = [
    Hostile(kind, fault, harm, message, runs)
    for kind, fault, harm, message, runs in (
        ("code", "saves a file", _first("torch.save(x, WITNESS)"), f"{CODE} differs", "forward"),
        (
            "code",
            "an annotated assignment of any operator",
            _first(
                '_99 : Tensor = getattr(torch, "from_file")(WITNESS, True, 2, dtype=0)\n'
                "    x = torch.add(x, torch.sum(torch.zero_(_99)))"
            ),
            "differs",
            "forward",
        ),
        (
            "code",
            "maps an existing file, shared, and writes into it",
            _first(
                "y = torch.from_file(WITNESS, True, 2, dtype=0)\n"
                "    x = torch.add(x, torch.sum(torch.zero_(y)))"
            ),
            f"{CODE} differs",
            "forward",
        ),
        (
            "code",
            "an encoding cookie that hides a line from one parser",
            _edit(CODE, _CLASS, b"# coding: unicode_escape\n# \\u000aimport os\n" + _CLASS),
            f"{CODE} differs",
            "",
        ),
        ("code", "a __setstate__ that saves a file", _at_load, f"{CODE} differs", "load"),
        (
            "code",
            "another class, which data.pkl names",
            _edit(DATA, b"c__torch__.wrapper", b"c__torch__.torch.classes.wrapper"),
            f"{DATA} differs",
            "",
        ),
        (
            "code",
            "a pickle that runs a shell, for data",
            _whole(DATA, _system("echo ran > WITNESS")),
            f"{DATA} differs",
            "",
        ),
        (
            "code",
            "a pickle that runs a shell, for constants",
            _whole(CONSTANTS, _system("echo ran > WITNESS")),
            f"{CONSTANTS} differs",
            "",
        ),
        (
            "code",
            "prints rows of a verdict",
            _first('print("{\\"check\\": \\"weights\\", \\"outcome\\": \\"passed\\"}")'),
            f"{CODE} differs",
            "",
        ),
        ("code", "a line more, blank", _edit(CODE, _CLASS, b"\n" + _CLASS), f"{CODE} differs", ""),
        (
            "code",
            "loops without end",
            _edit(CODE, _HEIGHT, b"    while True:\n      pass\n" + _HEIGHT),
            f"{CODE} differs",
            "",
        ),
    )
]


# Backdoors made of operators that the exporter uses itself.


def _branch(condition: str) -> Callable[[Path, Path], None]:
    code = f"    if {condition}:\n      return x\n    else:\n      pass\n".encode()
    return _edit(CODE, _HEIGHT, code + _HEIGHT)


_BACKDOORS = [
    Hostile("backdoor", fault, harm, message)
    for fault, harm, message in (
        ("a branch on the frame's size", _branch("torch.eq(torch.size(x, 2), 1556)"), "differs"),
        ("a branch on a knob", _branch("torch.gt(self.despill_strength, 9.9)"), "differs"),
        ("a branch on a pixel", _branch("bool(torch.gt(x[0, 0, 0, 0], 0.99))"), "differs"),
        (
            "a count of calls in a buffer",
            _edit(CODE, _HEIGHT, b"    torch.add_(self.mean, 1.0000001)\n" + _HEIGHT),
            "differs",
        ),
        (
            "another mean in a constant",
            _edit(MEAN, struct.pack("<f", 0.485), struct.pack("<f", 0.486)),
            f"{MEAN} differs",
        ),
        (
            "another default of a knob",
            _edit(DATA, b"G" + struct.pack(">d", 1.0), b"G" + struct.pack(">d", 0.5)),
            f"{DATA} differs",
        ),
        (
            "a knob that does nothing",
            _edit(CODE, b"gamma_input = self.gamma_input", b"gamma_input = 0"),
            f"{CODE} differs",
        ),
        (
            "one bit of a weight",
            lambda path, _: _flip(path, TENSOR, 0),
            "the numbers are not those of the checkpoint",
        ),
        (
            "weights of zeros",
            lambda path, _: _zero_weights(path),
            "the numbers are not those of the checkpoint",
        ),
        (
            "a weight that is NaN",
            lambda path, _: _set_weight(path, struct.pack("<f", float("nan"))),
            "NaN or infinite",
        ),
        (
            "a weight that is infinite",
            lambda path, _: _set_weight(path, struct.pack("<f", float("inf"))),
            "NaN or infinite",
        ),
        (
            "a smaller network under the same claims",
            lambda path, _: _drop_layer(path),
            "differs",
        ),
    )
]


def _content(path: Path) -> dict[str, bytes]:
    return {info.filename: data for info, data in records(path)}


def _flip(path: Path, record: str, position: int) -> None:
    content = _content(path)
    changed = bytearray(content[record])
    changed[position] ^= 1
    write_records(path, content | {record: bytes(changed)})


def _set_weight(path: Path, number: bytes) -> None:
    content = _content(path)
    write_records(path, content | {TENSOR: number + content[TENSOR][4:]})


def _zero_weights(path: Path) -> None:
    content = _content(path)
    zeros = {
        name: bytes(len(data))
        for name, data in content.items()
        if name.startswith(f"{FOLDER}/data/") and int(name.rpartition("/")[2]) > 1
    }
    write_records(path, content | zeros)


def _drop_layer(path: Path) -> None:
    content = _content(path)
    del content[TENSOR]
    write_records(path, content)


# Claims of a file.


def _claim(old: bytes, new: bytes, message: str) -> Hostile:
    fault = f"claims {new.decode('ascii', 'replace')[:40]!r}"
    return Hostile("claims", fault, _edit(MANIFEST, old, new), message)


_CLAIMS = [
    _claim(b": 256", b": 9999", "resolution is 9999; expected"),
    _claim(b": 256", b": 288", "model_id is .* expected a name that ends in '_288'"),
    _claim(b": 256", b": 256.0", "resolution is 256.0"),
    _claim(b": 256", b": true", "resolution is True"),
    _claim(b'"float32"', b'"float16"', "model_id is"),
    _claim(b'"float32"', b'["float32"]', "precision is"),
    _claim(b"nuke17", b"nuke13", "runtime is 'nuke13'"),
    _claim(b"nuke17", b"__class__", "runtime is '__class__'"),
    _claim(b"CorridorKey_untrained", b"CorridorKey_v1.0_Nuke", "differs"),
    _claim(b"CorridorKey_untrained", b"\\u001b[2J", r"model_id is '\\x1b\[2J_256'"),
    _claim(b"CorridorKey_untrained", b"C" * 200, "model_id is"),
    _claim(b"CorridorKey_untrained", b"../../evil", "model_id is"),
    _claim(b'"bytes": 7', b'"bytes": -1', "checkpoint is"),
    _claim(b'"bytes": 7', b'"bytes": 0', "checkpoint is"),
    _claim(b'"bytes": 7', b'"bytes": 1', "the manifest names a checkpoint of"),
    _claim(b'"bytes": 7', b'"bytes": 7, "x": 0', "checkpoint is"),
    _claim(b'"sha256": "9a', b'"sha256": "9A', "checkpoint is"),
    _claim(b'"sha256": "9a', b'"sha256": "00', "no CorridorKey_untrained weights from"),
    _claim(b"10.0", b"11.0", "the field knobs of its manifest is not what this version"),
    _claim(
        b'"torch": "2', b'"torch": "1', "the field torch of its manifest is not what this version"
    ),
    _claim(
        b'"timm"',
        b'"more": 0,\n  "timm"',
        "the field more of its manifest is not what this version",
    ),
    _claim(
        b'"timm": "',
        b'"timm": "' + b" " * 400 + b"VERIFIED: signed by the given key" + b" " * 600,
        r'writes, "1\.[0-9.]+": " VERIFIED: signed by the given key [0-9.]*"\. Either',
    ),
    _claim(b'"timm": "', b'"timm": "' + b"VERIFIED: " * 60, "(VERIFIED: ){7}VERIFIED:…. Either"),
    _claim(b'"model_id"', b'"model_id": "x", "model_id"', "a key twice"),
    _claim(b": 256", b": NaN", "the constant NaN"),
    _claim(b"{", b"{ ", "the right content in another form"),
    _claim(b"{", b"[", "a manifest that is not JSON"),
    Hostile("claims", "a manifest in UTF-16", _whole(MANIFEST, "{}".encode("utf-16")), "not JSON"),
]


# Exhaustion.


def _sparse(path: Path, _witness: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(3 << 30)  # takes no disk


def _bomb(path: Path, _witness: Path) -> None:
    _replace(path, TENSOR, bytes(100_000_000), zipfile.ZIP_DEFLATED)


def _large_directory(path: Path, _witness: Path) -> None:
    blank = [(zipfile.ZipInfo(f"{FOLDER}/data/{n:0200}"), b"") for n in range(6000)]
    write(path, [*records(path), *blank])


def _lying_manifest(path: Path, _witness: Path) -> None:
    _in_both(path, MANIFEST, 22, 24, "<L", 0xFFFF_FFFF)


_EXHAUSTION = [
    Hostile("exhaustion", "3 GB, sparse", _sparse, "at most 1,073,741,824 are"),
    Hostile("exhaustion", "a zip bomb", _bomb, "differs"),
    Hostile("exhaustion", "a directory of 1.4 MB", _large_directory, "oversized directory"),
    Hostile("exhaustion", "a manifest said to be 4 GB", _lying_manifest, "a manifest of 4,294,967"),
    Hostile(
        "exhaustion",
        "a manifest of 100 kB",
        _whole(MANIFEST, b"{" + b" " * 100_000 + b"}"),
        "a manifest of 100,002 bytes; the limit is 65,536",
    ),
    Hostile(
        "exhaustion",
        "a manifest 30,000 deep",
        _whole(MANIFEST, b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
        "nests more than 32 deep",
    ),
    Hostile(
        "exhaustion",
        "a resolution 900 deep",
        _whole(MANIFEST, b'{"resolution": ' + b"[" * 900 + b"]" * 900 + b"}"),
        "nests more than 32 deep",
    ),
    Hostile(
        "exhaustion",
        "a number of 60,000 digits",
        _whole(MANIFEST, b'{"resolution": ' + b"9" * 60_000 + b"}"),
        "not JSON",
    ),
    Hostile(
        "exhaustion",
        "a pickle of 900,000 opcodes",
        _edit(DATA, b"\x80\x02", b"\x80\x02" + b"N" * 300_000 + b"(t" * 300_000),
        "differs",
    ),
]


# Zip files that two readers read differently.


def _add(path: Path, name: str, data: bytes = b"", mode: int = 0) -> None:
    """Adds a record."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    write(path, [*records(path), (info, data)])


def _replace(path: Path, name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    content = records(path)
    for info, _ in content:
        info.compress_type = compression if info.filename == name else zipfile.ZIP_STORED
    write(path, [(i, data if i.filename == name else old) for i, old in content])


def _remove(path: Path, name: str) -> None:
    write(path, [(info, data) for info, data in records(path) if info.filename != name])


def _headers(path: Path, name: str) -> tuple[int, int]:
    """Returns the offsets of a record's local header and of its entry in the directory."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        local = file.getinfo(name).header_offset
    return local, data.rindex(name.encode()) - 46


def _poke(path: Path, position: int, form: str, value: int) -> None:
    """Overwrites a number in a file."""
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, position, value)
    path.write_bytes(data)


def _in_both(path: Path, name: str, local: int, central: int, form: str, value: int) -> None:
    """Overwrites a number in both headers of a record."""
    at_local, at_central = _headers(path, name)
    _poke(path, at_local + local, form, value)
    _poke(path, at_central + central, form, value)


def _shift_start(path: Path, by: int) -> None:
    """Mends the directory of an archive that bytes were put in front of."""
    data = bytearray(path.read_bytes())
    (start,) = struct.unpack_from("<L", data, len(data) - 6)
    struct.pack_into("<L", data, len(data) - 6, start + by)
    position = start + by
    while data[position : position + 4] == b"PK\1\2":
        name, extra, comment = struct.unpack_from("<3H", data, position + 28)
        (offset,) = struct.unpack_from("<L", data, position + 42)
        struct.pack_into("<L", data, position + 42, offset + by)
        position += 46 + name + extra + comment
    path.write_bytes(data)


def _leading(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())


def _leading_and_mended(path: Path) -> None:
    _leading(path)
    _shift_start(path, 10)


def _commented(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"hello"


def _stray(path: Path) -> None:
    """Puts bytes between the last record and the directory."""
    data = path.read_bytes()
    start = struct.unpack_from("<L", data, len(data) - 6)[0]
    path.write_bytes(data[:start] + b"stray" + data[start:])
    _poke(path, path.stat().st_size - 6, "<L", start + 5)


def _overlapping(path: Path) -> None:
    """Lets one record's directory entry point at another."""
    _poke(path, _headers(path, TENSOR)[1] + 42, "<L", _headers(path, CODE)[0])


def _claims_more(path: Path) -> None:
    last = records(path)[-1][0]
    for local, central in ((18, 20), (22, 24)):
        _in_both(path, last.filename, local, central, "<L", last.file_size + 100)


def _second_directory(path: Path) -> None:
    """Appends a second archive, which a reader from the end sees; one from the start does not."""
    other = path.with_name("other.zip")
    write(other, [(i, b"evil" if i.filename == CODE else d) for i, d in records(path)])
    first = path.read_bytes()
    path.write_bytes(first + other.read_bytes())
    _shift_start_of_last(path, len(first))


def _shift_start_of_last(path: Path, by: int) -> None:
    (start,) = struct.unpack_from("<L", path.read_bytes(), path.stat().st_size - 6)
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, len(data) - 6, start + by)
    path.write_bytes(data)


def _unpadded(path: Path) -> None:
    content = records(path)
    for info, _ in content:
        info.extra = b""
    write(path, content)


def _nested(path: Path, name: str) -> None:
    inner = path.with_name("inner.zip")
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("a", "b")
    _replace(path, name, inner.read_bytes())


_SAME = "differs|ends within|bytes follow"

_ZIP = [
    Hostile("zip", fault, lambda path, _, harm=harm: harm(path), message)  # type: ignore[misc]
    for fault, harm, message in (
        ("a name that leads out", lambda p: _add(p, "../evil"), _SAME),
        ("an absolute name", lambda p: _add(p, "/etc/passwd"), _SAME),
        ("a name with a NUL", lambda p: _add(p, f"{FOLDER}/data/6\0.txt"), _SAME),
        ("a name of another script", lambda p: _add(p, f"{FOLDER}/data/\uff16"), _SAME),
        ("another folder", lambda p: _add(p, "Other/data/0"), _SAME),
        ("a second extra file", lambda p: _add(p, f"{FOLDER}/extra/more.json"), _SAME),
        ("a record twice", lambda p: _add(p, TENSOR), _SAME),
        ("the manifest twice", lambda p: _add(p, MANIFEST, b"{}"), _SAME),
        ("a record that nothing names", lambda p: _add(p, f"{FOLDER}/data/77", b"1"), _SAME),
        ("a link", lambda p: _add(p, f"{FOLDER}/data/77", b"/etc", stat.S_IFLNK), _SAME),
        ("no manifest", lambda p: _remove(p, MANIFEST), f"no record {MANIFEST}"),
        ("no data", lambda p: _remove(p, DATA), _SAME),
        ("no weight", lambda p: _remove(p, TENSOR), _SAME),
        ("a shorter weight", lambda p: _replace(p, TENSOR, b"1234"), _SAME),
        (
            "compressed code",
            lambda p: _replace(p, CODE, _content(p)[CODE], zipfile.ZIP_DEFLATED),
            _SAME,
        ),
        ("an encrypted record", lambda p: _in_both(p, CODE, 6, 8, "<H", 1), _SAME),
        ("a streamed record", lambda p: _in_both(p, CODE, 6, 8, "<H", 8), _SAME),
        ("an unknown compression", lambda p: _in_both(p, CODE, 8, 10, "<H", 99), _SAME),
        ("another CRC-32", lambda p: _poke(p, _headers(p, CODE)[0] + 14, "<L", 1), _SAME),
        (
            "a weight's CRC-32 in one header",
            lambda p: _poke(p, _headers(p, TENSOR)[0] + 14, "<L", 1),
            "header with a wrong CRC-32",
        ),
        (
            "a weight's CRC-32 in the directory",
            lambda p: _poke(p, _headers(p, TENSOR)[1] + 16, "<L", 1),
            "wrong CRC-32 in the directory",
        ),
        (
            "another name in one header",
            lambda p: _poke(p, _headers(p, CODE)[0] + 30, "<B", 66),
            _SAME,
        ),
        ("another time", lambda p: _poke(p, _headers(p, CODE)[0] + 12, "<H", 1), _SAME),
        ("an archive as a weight", lambda p: _nested(p, TENSOR), _SAME),
        ("an archive as code", lambda p: _nested(p, CODE), _SAME),
        ("a record that claims more", _claims_more, _SAME),
        (
            "a record beyond the end",
            lambda p: _poke(p, _headers(p, TENSOR)[1] + 42, "<L", 1 << 30),
            _SAME,
        ),
        ("records that overlap", _overlapping, _SAME),
        ("bytes before", _leading, _SAME + "|no record"),
        ("bytes before, and a mended directory", _leading_and_mended, _SAME),
        ("a byte after", lambda p: p.write_bytes(p.read_bytes() + b"\0"), "is not a zip"),
        ("a comment", _commented, "is not a zip"),
        ("bytes before the directory", _stray, _SAME),
        (
            "a second archive behind the first",
            _second_directory,
            _SAME + "|no record|zip64|not JSON",
        ),
        ("other order", lambda p: write(p, list(reversed(records(p)))), _SAME),
        ("no padding", _unpadded, _SAME),
        ("as torch.jit.save writes it", lambda p: torch.jit.load(p).save(p), "zip64"),
        ("an empty file", lambda p: p.write_bytes(b""), "is not a zip"),
        ("no zip file", lambda p: p.write_bytes(b"x" * 10000), "is not a zip"),
        ("the first half", lambda p: p.write_bytes(p.read_bytes()[:9000]), "is not a zip"),
        ("an end alone", lambda p: p.write_bytes(b"PK\5\6" + bytes(18)), "no record"),
    )
]

HOSTILE = [*_CODE_KIND, *_BACKDOORS, *_CLAIMS, *_EXHAUSTION, *_ZIP]
