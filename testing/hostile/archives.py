"""Archives that verify must refuse before torch sees them, each made of a good one.

Some are what a program with another idea of zip files writes, the others what somebody makes who
knows how readers differ.
"""

import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch

from export.artifact.canonical import FOLDER
from export.verify.archive_check import MANIFEST
from testing.export.verify.small_artifact import CODE

DATA = f"{FOLDER}/data.pkl"
TENSOR = f"{FOLDER}/data/6"
Records = list[tuple[zipfile.ZipInfo, bytes]]


def records(path: Path) -> Records:
    """What is in a file, in order."""
    with zipfile.ZipFile(path) as file:
        return [(info, file.read(info)) for info in file.infolist()]


def write(path: Path, content: Records) -> None:
    """Writes a file of such records."""
    with zipfile.ZipFile(path, "w") as file:
        for info, data in content:
            file.writestr(info, data, info.compress_type)


def _add(path: Path, name: str, data: bytes = b"", mode: int = 0) -> None:
    """Adds a record, as a zip file may have it."""
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


def _data_of(path: Path, name: str) -> bytes:
    return {info.filename: data for info, data in records(path)}[name]


def _headers(path: Path, name: str) -> tuple[int, int]:
    """Where the local header of a record is, and where its entry in the directory."""
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


def _trailing(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


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


def _beyond_the_end(path: Path) -> None:
    _poke(path, _headers(path, TENSOR)[1] + 42, "<L", 1 << 30)


def _bomb(path: Path) -> None:
    _replace(path, TENSOR, bytes(100_000_000), zipfile.ZIP_DEFLATED)


def _nested(path: Path, name: str) -> None:
    inner = path.with_name("inner.zip")
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("a", "b")
    _replace(path, name, inner.read_bytes())


def _raw(path: Path) -> None:
    torch.jit.load(path).save(path)


def _too_many(path: Path) -> None:
    blank = [(zipfile.ZipInfo(f"{FOLDER}/data/{n}"), b"") for n in range(100, 2200)]
    write(path, [*records(path), *blank])


HOSTILE: list[tuple[str, Callable[[Path], object], str]] = [
    ("a name that leads elsewhere", lambda p: _add(p, "../evil"), r"'../evil' is no name"),
    ("a name that leads elsewhere", lambda p: _add(p, f"{FOLDER}/../../evil"), r"evil' is no name"),
    (
        "a name that leads elsewhere",
        lambda p: _add(p, f"{FOLDER}/code/../data/9.py"),
        r"9.py' is no name",
    ),
    ("a name that leads elsewhere", lambda p: _add(p, "/etc/passwd"), r"'/etc/passwd' is no name"),
    ("a name that leads elsewhere", lambda p: _add(p, "C:\\evil"), r"evil' is no name"),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, f"{FOLDER}/data/6\0.txt"),
        r"is no name",
    ),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, f"{FOLDER}/data/\uff16"),
        r"is no name",
    ),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, "Other/data/0"),
        r"'Other/data/0' is no name",
    ),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, f"{FOLDER}/extra/more.json"),
        r"more.json' is no name",
    ),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, f"{FOLDER}/constants/0"),
        r"constants/0' is no name",
    ),
    (
        "a name that is none of the exporter's",
        lambda p: _add(p, f"{FOLDER}/code/"),
        r"code/' is no name",
    ),
    ("a record twice", lambda p: _add(p, TENSOR), rf"{TENSOR} is in it 2 times"),
    (
        "a record that nothing refers to",
        lambda p: _add(p, f"{FOLDER}/data/77", b"1"),
        "data/77 is what nothing",
    ),
    (
        "a link or a folder",
        lambda p: _add(p, f"{FOLDER}/data/77", b"/etc", stat.S_IFLNK),
        "data/77 is a link",
    ),
    (
        "a link or a folder",
        lambda p: _add(p, f"{FOLDER}/data/77", b"", stat.S_IFDIR),
        "data/77 is a link, a folder",
    ),
    ("a missing record", lambda p: _remove(p, MANIFEST), f"{MANIFEST} is missing"),
    ("a missing record", lambda p: _remove(p, DATA), f"{DATA} is missing"),
    (
        "a missing record",
        lambda p: _remove(p, TENSOR),
        f"{TENSOR} is missing, and {DATA} refers to it",
    ),
    (
        "a record of another size than its tensor",
        lambda p: _replace(p, TENSOR, b"1234"),
        f"{TENSOR} claims to be 1,008 bytes, and has 4",
    ),
    (
        "a record far too large for what it is",
        lambda p: _replace(p, CODE, b"#" * (1 << 20) + b"#"),
        f"{CODE} has 1,048,577 bytes",
    ),
    (
        "a compressed record",
        lambda p: _replace(p, CODE, _data_of(p, CODE), zipfile.ZIP_DEFLATED),
        f"{CODE} is compre",
    ),
    (
        "an encrypted or streamed record",
        lambda p: _in_both(p, CODE, 6, 8, "<H", 1),
        f"{CODE} is encrypted",
    ),
    (
        "an encrypted or streamed record",
        lambda p: _in_both(p, CODE, 6, 8, "<H", 8),
        f"{CODE} is encrypted, streamed",
    ),
    ("a compressed record", lambda p: _in_both(p, CODE, 8, 10, "<H", 99), f"{CODE} is compressed"),
    (
        "a record of two sizes",
        lambda p: _in_both(p, CODE, 22, 24, "<L", 1),
        f"{CODE} is compressed",
    ),
    (
        "two headers that disagree",
        lambda p: _poke(p, _headers(p, CODE)[0] + 14, "<L", 1),
        f"{CODE} has a local header",
    ),
    (
        "two headers that disagree",
        lambda p: _poke(p, _headers(p, CODE)[0] + 22, "<L", 1),
        f"{CODE} has a local header",
    ),
    (
        "two headers that disagree",
        lambda p: _poke(p, _headers(p, CODE)[0] + 30, "<B", 67 ^ 1),
        f"{CODE} has a local header",
    ),
    (
        "two headers that disagree",
        lambda p: _poke(p, _headers(p, CODE)[0] + 12, "<H", 1),
        f"{CODE} has a local header",
    ),
    ("a zip bomb", _bomb, f"{TENSOR} is compressed"),
    ("an archive in the archive", lambda p: _nested(p, TENSOR), f"{TENSOR} is an archive itself"),
    ("an archive in the archive", lambda p: _nested(p, CODE), f"{CODE} is an archive itself"),
    (
        "a record that claims more than there is",
        _claims_more,
        "claims more bytes than the file has",
    ),
    ("a record beyond the end", _beyond_the_end, f"{TENSOR} begins beyond the end"),
    ("records that overlap", _overlapping, "overlaps the record before it"),
    ("2,100 records more", _too_many, "it has 21.. records"),
    (
        "bytes before, between or after the records",
        _leading,
        "central directory does not end where the file does",
    ),
    (
        "bytes before, between or after the records",
        _leading_and_mended,
        "10 stray bytes are before",
    ),
    ("bytes before, between or after the records", _trailing, "more bytes follow the end"),
    ("bytes before, between or after the records", _commented, "more bytes follow the end"),
    (
        "bytes before, between or after the records",
        _stray,
        "5 stray bytes are before the directory",
    ),
    ("what torch.jit.save writes", _raw, "zip64 directory, as torch.jit.save writes"),
    ("no zip file", lambda p: p.write_bytes(b""), "it has 0 bytes"),
    ("no zip file", lambda p: p.write_bytes(b"x" * 10000), "it is no zip file"),
    (
        "a pickle that runs code",
        lambda p: _replace(p, DATA, b"\x80\x02cos\nsystem\n."),
        f"{DATA} names 'os.system'",
    ),
    (
        "a record far too large for what it is",
        lambda p: _replace(p, MANIFEST, b"{" + b" " * (1 << 20)),
        f"{MANIFEST} has 1,048,577",
    ),
]
"""What is wrong, what makes it so of a good file, and a regular expression for what is said."""
