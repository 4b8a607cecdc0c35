"""The exporter's archives pass; every hostile one is refused, and the record named."""

import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export import archive_check
from export.archive_check import MANIFEST, ArchiveError, check_archive
from export.canonical import FOLDER, canonicalise
from testing.small_artifact import CODE, write_small_artifact

DATA = f"{FOLDER}/data.pkl"
TENSOR = f"{FOLDER}/data/6"
Records = list[tuple[zipfile.ZipInfo, bytes]]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive_check") / "CorridorKey.pt"
    write_small_artifact(path)
    return path


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm."""
    return Path(shutil.copy(good, tmp_path))


def records(path: Path) -> Records:
    with zipfile.ZipFile(path) as file:
        return [(info, file.read(info)) for info in file.infolist()]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def write(path: Path, content: Records) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for info, data in content:
            file.writestr(info, data, info.compress_type)


def add(path: Path, name: str, data: bytes = b"", mode: int = 0) -> None:
    """Adds a record, as a zip file may have it."""
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.external_attr = mode << 16
    write(path, [*records(path), (info, data)])


def replace(path: Path, name: str, data: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    content = records(path)
    for info, _ in content:
        info.compress_type = compression if info.filename == name else zipfile.ZIP_STORED
    write(path, [(i, data if i.filename == name else old) for i, old in content])


def remove(path: Path, name: str) -> None:
    write(path, [(info, data) for info, data in records(path) if info.filename != name])


def data_of(path: Path, name: str) -> bytes:
    return {info.filename: data for info, data in records(path)}[name]


def headers(path: Path, name: str) -> tuple[int, int]:
    """Where the local header of a record is, and where its entry in the directory."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as file:
        local = file.getinfo(name).header_offset
    return local, data.rindex(name.encode()) - 46


def poke(path: Path, position: int, form: str, value: int) -> None:
    """Overwrites a number in a file."""
    data = bytearray(path.read_bytes())
    struct.pack_into(form, data, position, value)
    path.write_bytes(data)


def in_both(path: Path, name: str, local: int, central: int, form: str, value: int) -> None:
    """Overwrites a number in both headers of a record."""
    at_local, at_central = headers(path, name)
    poke(path, at_local + local, form, value)
    poke(path, at_central + central, form, value)


def shift_start(path: Path, by: int) -> None:
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


def leading(path: Path) -> None:
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())


def leading_and_mended(path: Path) -> None:
    leading(path)
    shift_start(path, 10)


def trailing(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def commented(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"hello"


def stray(path: Path) -> None:
    """Puts bytes between the last record and the directory."""
    data = path.read_bytes()
    start = struct.unpack_from("<L", data, len(data) - 6)[0]
    path.write_bytes(data[:start] + b"stray" + data[start:])
    poke(path, path.stat().st_size - 6, "<L", start + 5)


def overlapping(path: Path) -> None:
    """Lets one record's directory entry point at another."""
    poke(path, headers(path, TENSOR)[1] + 42, "<L", headers(path, CODE)[0])


def claims_more(path: Path) -> None:
    last = records(path)[-1][0]
    for local, central in ((18, 20), (22, 24)):
        in_both(path, last.filename, local, central, "<L", last.file_size + 100)


def beyond_the_end(path: Path) -> None:
    poke(path, headers(path, TENSOR)[1] + 42, "<L", 1 << 30)


def bomb(path: Path) -> None:
    replace(path, TENSOR, bytes(100_000_000), zipfile.ZIP_DEFLATED)


def nested(path: Path, name: str) -> None:
    inner = path.with_name("inner.zip")
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr("a", "b")
    replace(path, name, inner.read_bytes())


def raw(path: Path) -> None:
    torch.jit.load(path).save(path)


def too_many(path: Path) -> None:
    blank = [(zipfile.ZipInfo(f"{FOLDER}/data/{n}"), b"") for n in range(100, 2200)]
    write(path, [*records(path), *blank])


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda p: add(p, "../evil"), r"'../evil' is no name"),
        (lambda p: add(p, f"{FOLDER}/../../evil"), r"evil' is no name"),
        (lambda p: add(p, f"{FOLDER}/code/../data/9.py"), r"9.py' is no name"),
        (lambda p: add(p, "/etc/passwd"), r"'/etc/passwd' is no name"),
        (lambda p: add(p, "C:\\evil"), r"evil' is no name"),
        (lambda p: add(p, f"{FOLDER}/data/6\0.txt"), r"is no name"),
        (lambda p: add(p, f"{FOLDER}/data/\uff16"), r"is no name"),
        (lambda p: add(p, "Other/data/0"), r"'Other/data/0' is no name"),
        (lambda p: add(p, f"{FOLDER}/extra/more.json"), r"more.json' is no name"),
        (lambda p: add(p, f"{FOLDER}/constants/0"), r"constants/0' is no name"),
        (lambda p: add(p, f"{FOLDER}/code/"), r"code/' is no name"),
        (lambda p: add(p, TENSOR), rf"{TENSOR} is in it 2 times"),
        (lambda p: add(p, f"{FOLDER}/data/77", b"1"), "data/77 is what nothing"),
        (lambda p: add(p, f"{FOLDER}/data/77", b"/etc", stat.S_IFLNK), "data/77 is a link"),
        (lambda p: add(p, f"{FOLDER}/data/77", b"", stat.S_IFDIR), "data/77 is a link, a folder"),
        (lambda p: remove(p, MANIFEST), f"{MANIFEST} is missing"),
        (lambda p: remove(p, DATA), f"{DATA} is missing"),
        (lambda p: remove(p, TENSOR), f"{TENSOR} is missing, and {DATA} refers to it"),
        (lambda p: replace(p, TENSOR, b"1234"), f"{TENSOR} claims to be 1,008 bytes, and has 4"),
        (lambda p: replace(p, CODE, b"#" * (1 << 20) + b"#"), f"{CODE} has 1,048,577 bytes"),
        (lambda p: replace(p, CODE, data_of(p, CODE), zipfile.ZIP_DEFLATED), f"{CODE} is compre"),
        (lambda p: in_both(p, CODE, 6, 8, "<H", 1), f"{CODE} is encrypted"),
        (lambda p: in_both(p, CODE, 6, 8, "<H", 8), f"{CODE} is encrypted, streamed"),
        (lambda p: in_both(p, CODE, 8, 10, "<H", 99), f"{CODE} is compressed"),
        (lambda p: in_both(p, CODE, 22, 24, "<L", 1), f"{CODE} is compressed"),
        (lambda p: poke(p, headers(p, CODE)[0] + 14, "<L", 1), f"{CODE} has a local header"),
        (lambda p: poke(p, headers(p, CODE)[0] + 22, "<L", 1), f"{CODE} has a local header"),
        (lambda p: poke(p, headers(p, CODE)[0] + 30, "<B", 67 ^ 1), f"{CODE} has a local header"),
        (lambda p: poke(p, headers(p, CODE)[0] + 12, "<H", 1), f"{CODE} has a local header"),
        (bomb, f"{TENSOR} is compressed"),
        (lambda p: nested(p, TENSOR), f"{TENSOR} is an archive itself"),
        (lambda p: nested(p, CODE), f"{CODE} is an archive itself"),
        (claims_more, "claims more bytes than the file has"),
        (beyond_the_end, f"{TENSOR} begins beyond the end"),
        (overlapping, "overlaps the record before it"),
        (too_many, "it has 21.. records"),
        (leading, "central directory does not end where the file does"),
        (leading_and_mended, "10 stray bytes are before"),
        (trailing, "more bytes follow the end"),
        (commented, "more bytes follow the end"),
        (stray, "5 stray bytes are before the directory"),
        (raw, "zip64 directory, as torch.jit.save writes"),
        (lambda p: p.write_bytes(b""), "it has 0 bytes"),
        (lambda p: p.write_bytes(b"x" * 10000), "it is no zip file"),
        (lambda p: replace(p, DATA, b"\x80\x02cos\nsystem\n."), f"{DATA} names 'os.system'"),
        (lambda p: replace(p, MANIFEST, b"{" + b" " * (1 << 20)), f"{MANIFEST} has 1,048,577"),
    ],
)
def test_hostile_archive_is_refused(harm: Callable[[Path], None], message: str, path: Path) -> None:
    check_archive(path)
    harm(path)
    with pytest.raises(ArchiveError, match=message):
        check_archive(path)


def test_file_larger_than_any_artefact_is_not_even_read(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(archive_check.MAXIMUM_BYTES + 1)  # takes no disk
    with pytest.raises(ArchiveError, match="where 1,073,741,824 would be plenty"):
        check_archive(path)


def sound_and_canonical(path: Path) -> bool:
    copy = path.with_suffix(".copy")
    try:
        check_archive(path)
        canonicalise(path, copy)
    except (ArchiveError, zipfile.BadZipFile):
        return False
    return path.read_bytes() == copy.read_bytes()


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_no_byte_can_be_another(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    content = bytearray(good.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    harmed = tmp_path / "harmed.pt"
    harmed.write_bytes(content)
    assert not sound_and_canonical(harmed)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damage_of_any_kind_raises_nothing_else(
    data: st.DataObject, good: Path, tmp_path: Path
) -> None:
    content = good.read_bytes()
    directory = struct.unpack_from("<L", content, len(content) - 6)[0]
    # Most of the damage is to the directory, where a reader meets it.
    start = data.draw(st.integers(0, len(content)) | st.integers(directory, len(content)))
    length = data.draw(st.integers(0, 64))
    harmed = tmp_path / "harmed.pt"
    harmed.write_bytes(
        content[:start] + data.draw(st.binary(max_size=64)) + content[start + length :]
    )
    assert sound_and_canonical(harmed) == (harmed.read_bytes() == content)


def test_the_good_one_is_sound_and_canonical(good: Path) -> None:
    assert sound_and_canonical(good)


def test_the_same_records_in_another_order_are_not_canonical(path: Path) -> None:
    write(path, list(reversed(records(path))))
    check_archive(path)
    assert not sound_and_canonical(path)
