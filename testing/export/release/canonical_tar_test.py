"""One content has one tar, and every other tar is refused, whatever a tar program would make of it.

`folder` holds a small release; tests change its canonical tar, or make another one of it.
"""

import hashlib
import io
import os
import random
import shutil
import subprocess
import tarfile
import tracemalloc
from pathlib import Path
from typing import Literal

import pytest

from export.release.canonical_tar import (
    MAXIMUM_BYTES,
    TarError,
    check_canonical,
    digest_release,
    read_members,
    write_canonical,
)

NAME = "CorridorKey-1.0"
FILES = {
    "CorridorKey.pt": random.Random(0).randbytes(1500),
    "SHA256SUMS": b"",
    "nuke/guide.html": b"a" * 512,
    "nuke/gizmos/CorridorKey.gizmo": b"b" * 513,
}
SECOND = 512 + 1536
"""Offset of the second member in the tar."""
DIGESTS = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / NAME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / NAME


def canonical(folder: Path) -> bytes:
    """Returns the canonical tar of a folder."""
    tar = io.BytesIO()
    write_canonical(folder, tar)
    return tar.getvalue()


@pytest.fixture
def tar(folder: Path) -> Path:
    """Returns the path of the canonical tar."""
    path = folder.with_name(f"{NAME}.tar")
    path.write_bytes(canonical(folder))
    return path


def refusal(path: Path) -> str:
    """Returns the reason why a tar is refused, and checks that every reader refuses it."""
    with pytest.raises(TarError) as caught:
        check_canonical(path)
    with pytest.raises(TarError):
        digest_release(path)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    return str(caught.value)


def test_canonical_tar_is_accepted_with_its_digests(folder: Path, tar: Path) -> None:
    assert check_canonical(tar) == DIGESTS
    digests = digest_release(tar)
    assert digests.files == DIGESTS
    assert digests.tar_name == f"{NAME}.tar"
    assert digests.tar_sha256 == hashlib.sha256(tar.read_bytes()).hexdigest()
    assert digests.subjects() == DIGESTS | {f"{NAME}.tar": digests.tar_sha256}
    assert digest_release(folder) == digests


def test_a_tar_has_any_file_name_but_its_content_says_the_folder(tar: Path) -> None:
    other = tar.rename(tar.with_name("download"))
    assert digest_release(other).tar_name == f"{NAME}.tar"


def test_times_modes_and_order_of_files_change_nothing(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / NAME
    for name, content in reversed(FILES.items()):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_bytes(content)
        (other / name).chmod(0o755)
        os.utime(other / name, (1, 1))
    assert canonical(other) == canonical(folder)


def test_gnu_tar_and_python_unpack_the_same(tar: Path, tmp_path: Path) -> None:
    for way in ("gnu", "python"):
        (tmp_path / way).mkdir()
    subprocess.run(["tar", "-xf", tar, "-C", tmp_path / "gnu"], check=True)
    with tarfile.open(tar) as file:
        file.extractall(tmp_path / "python")
    for way in ("gnu", "python"):
        found = {
            path.relative_to(tmp_path / way / NAME).as_posix(): path.read_bytes()
            for path in (tmp_path / way).rglob("*")
            if path.is_file()
        }
        assert found == FILES


def test_a_member_that_is_not_read_to_its_end_is_an_error(tar: Path) -> None:
    with pytest.raises(TarError, match="was not read to its end"):
        list(read_members(tar))


# Tars of the same files that other programs, or other versions of this one, would write.


@pytest.mark.parametrize("format_", ["pax", "gnu", "oldgnu", "ustar", "v7"])
def test_a_tar_of_gnu_tar_is_refused(format_: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    # As near to canonical as the program comes.
    command = ["tar", f"--format={format_}", "--sort=name", "--mtime=@0", "--owner=0", "--group=0"]
    subprocess.run(
        [*command, "--mode=0644", "--numeric-owner", "-cf", path, "-C", folder.parent, NAME],
        check=True,
    )
    assert "the header at 0 is not the plain one" in refusal(path)


@pytest.mark.parametrize("format_", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_a_tar_of_python_is_refused(format_: int, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    with tarfile.open(path, "w", format=format_) as file:
        file.add(folder, NAME)
    refusal(path)


def with_member(
    tar: Path, info: tarfile.TarInfo, content: bytes, at: int, format_: Literal[0, 1]
) -> None:
    """Inserts a member before the one that starts at an offset."""
    data = tar.read_bytes()
    info.size = len(content)
    header = info.tobuf(format_)
    member = header + content + bytes(-len(content) % 512)
    tar.write_bytes(data[:at] + member + data[at:])


def test_extension_headers_are_refused_and_not_followed(tar: Path) -> None:
    """A PAX global header gives GNU tar and Python's tarfile two readings of one tar."""
    good = tar.read_bytes()
    for kind, content in {
        b"g": b"21 path=hostile/name\n",
        b"x": b"12 size=99\n",
        b"L": b"CorridorKey-1.0/" + b"a" * 200 + b"\0",
        b"K": b"/etc/passwd\0",
        b"S": b"",
        b"N": b"",
        b"V": b"",
        b"M": b"",
        b"D": b"",
        b"X": b"",
        b"A": b"",
        b"7": b"",
        b"\0": b"",
    }.items():
        for at in (0, SECOND):
            info = tarfile.TarInfo(f"{NAME}/D")
            info.type = kind
            tar.write_bytes(good)
            with_member(tar, info, content, at, 1)
            assert f"the header at {at:,} is not the plain one" in refusal(tar)


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_links_devices_and_folders_are_refused(kind: bytes, tar: Path) -> None:
    info = tarfile.TarInfo(f"{NAME}/D")
    info.type, info.linkname = kind, "/etc/passwd"
    with_member(tar, info, b"", SECOND, 0)
    assert "links, devices or folders" in refusal(tar)


def header_of(name: bytes, size: int = 0) -> bytes:
    """Returns a plain header with any name: as the module's own, with the name unchecked."""
    header = bytearray(512)
    header[: len(name)] = name
    for at, text in {100: b"0000644", 108: b"0000000", 116: b"0000000"}.items():
        header[at : at + 7] = text
    header[124:135] = b"%011o" % size
    header[136:147] = b"0" * 11
    header[148:156] = b" " * 8
    header[156:157] = b"0"
    header[257:265] = b"ustar\x0000"
    header[329:336] = header[337:344] = b"0000000"
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def tar_of(*names: bytes) -> bytes:
    """Returns a tar of empty files that is canonical but for its names."""
    members = b"".join(map(header_of, names))
    return members + bytes(1024 + -(len(members) + 1024) % 10_240)


def test_tars_of_this_test_are_canonical_with_good_names(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(b"R/CorridorKey_1.0+a@b-c.pt", b"R/a/b/c", b"R/a/b/d"))
    assert list(check_canonical(path)) == ["CorridorKey_1.0+a@b-c.pt", "a/b/c", "a/b/d"]


@pytest.mark.parametrize(
    "names",
    [
        (b"a",),  # in no folder
        (b"R/a", b"S/b"),
        (b"R/a", b"a"),
        (b"/R/a",),
        (b"../R/a",),
        (b"R/../a",),
        (b"R/..",),
        (b"./R/a",),
        (b"R/./a",),
        (b"R//a",),
        (b"R/a/",),
        (b"R/",),
        (b"R\\a", b"R/b"),
        (b"R/a\\b",),
        (b"R/C:a",),
        (b"R/a\nb",),
        (b"R/a\x1b[2J",),
        (b"R/a\0b",),
        (b"R/a b",),
        (b"R/\xd0\xb0",),
        (b"R/\xff",),
        (b"R/a\x7f",),
        (b"R/.a",),
        (b"R/a.",),
        (b"R/a./b",),
        (b"R/a~1",),
        (b"",),
        (b"R/a", b"R/a"),
        (b"R/b", b"R/a"),
        (b"R/A", b"R/a"),
        (b"R/A/b", b"R/a/c"),
        (b"R/A", b"R/a/b"),
        (b"R/a", b"R/a/b"),
        (b"R/a", b"R/a-b", b"R/a/b"),
        (b"R/NUL",),
        (b"R/aux.txt",),
        (b"R/com1/a",),
        (b"R/" + 99 * b"a",),
    ],
)
def test_names_that_are_not_in_the_one_form_are_refused(
    names: tuple[bytes, ...], tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*names))
    refusal(path)


def test_a_tar_of_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(10_240))
    assert refusal(path) == "it holds no files"
    path.write_bytes(b"")
    refusal(path)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(*(b"R/%06d" % number for number in range(10_001))))
    assert refusal(path) == "there are more than 10,000 members"


# Any change at all.


def test_every_changed_byte_of_headers_and_padding_is_refused(tar: Path) -> None:
    good = tar.read_bytes()
    content = range(512, 512 + 1500)
    for position in sorted(set(range(len(good))) - set(content)):
        # Content of the other members is part of this range, too: a digest changes instead.
        data = bytearray(good)
        data[position] ^= 1 + position % 255
        tar.write_bytes(data)
        try:
            assert check_canonical(tar) != DIGESTS
        except TarError:
            continue


def test_two_thousand_mutations_are_refused(tar: Path) -> None:
    good = tar.read_bytes()
    expected = digest_release(tar).subjects()
    dice = random.Random(1)
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(dice.choice([1, 1, 2, 8])):
            at, length = dice.randrange(len(data)), dice.choice([1, 2, 12, 100, 512, 5120])
            match dice.randrange(5):
                case 0:
                    data[at] ^= 1 << dice.randrange(8)
                case 1:
                    data[at : at + length] = dice.randbytes(length)
                case 2:
                    del data[at : at + length]
                case 3:
                    block = at // 512 * 512
                    data[block:block] = data[:512] if dice.random() < 0.5 else bytes(512)
                case 4:
                    source = dice.randrange(len(data))
                    data[at : at + length] = data[source : source + length]
            if not data:
                break
        if data == good:
            continue
        tar.write_bytes(data)
        try:
            assert digest_release(tar).subjects() != expected
        except TarError:
            continue


@pytest.mark.parametrize("more", [b"\0", b"\0" * 512, b"\0" * 10_240, b"hostile"])
def test_bytes_after_the_end_are_refused(more: bytes, tar: Path) -> None:
    tar.write_bytes(tar.read_bytes() + more)
    assert "after its last member" in refusal(tar)


def test_a_second_tar_behind_the_first_is_refused(tar: Path) -> None:
    data = tar.read_bytes()
    tar.write_bytes(data + data)
    assert "after its last member" in refusal(tar)


def test_a_tar_that_is_cut_is_refused(tar: Path) -> None:
    data = tar.read_bytes()
    for length in range(0, len(data), 11):
        tar.write_bytes(data[:length])
        refusal(tar)


def test_a_compressed_tar_is_refused(tar: Path) -> None:
    subprocess.run(["gzip", "--keep", tar], check=True)
    refusal(tar.with_name(f"{tar.name}.gz"))


# Files that would exhaust a reader.


def test_memory_and_time_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tar"
    path.write_bytes(header_of(b"R/a", (3 << 30) - 1))
    os.truncate(path, 3 << 30)  # takes no disk
    tracemalloc.start()
    with pytest.raises(TarError, match=r"after its last member|cut short"):
        check_canonical(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_larger_file_than_any_release_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tar"
    path.touch()
    os.truncate(path, MAXIMUM_BYTES + 1)
    assert "at most 17,179,869,184 are allowed" in refusal(path)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert "expected a regular file" in refusal(path)


# Folders that have no canonical tar.


def test_a_link_to_a_file_is_followed_on_request_only(folder: Path, tmp_path: Path) -> None:
    expected = canonical(folder)
    (folder / "CorridorKey.pt").rename(tmp_path / "elsewhere")
    (folder / "CorridorKey.pt").symlink_to(tmp_path / "elsewhere")
    tar = io.BytesIO()
    write_canonical(folder, tar, follow_links=True)
    assert tar.getvalue() == expected
    for refused in (canonical, digest_release):
        with pytest.raises(TarError, match=r"CorridorKey\.pt is a link"):
            refused(folder)


def test_a_deep_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / NAME
    for _ in range(400):
        path.mkdir()
        path /= "a"
    with pytest.raises(TarError, match="is longer than 99 bytes"):
        digest_release(tmp_path / NAME)


def test_a_sparse_folder_larger_than_any_release_is_refused(folder: Path) -> None:
    for number in range(3):
        (folder / f"0{number}").touch()
        os.truncate(folder / f"0{number}", 8 << 30)  # takes no disk
    with pytest.raises(TarError, match=r"00 has 8,589,934,592 bytes; at most 8,589,934,591"):
        digest_release(folder)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", r"nuke/more is an empty folder"),
        ("link", r"nuke/more is a link to a folder"),
        ("broken", r"nuke/more is a link"),
        ("pipe", r"nuke/more is a folder, a pipe or a device"),
        ("name", "is not allowed as a name"),
        ("long", "is longer than 99 bytes"),
        ("case", "is there twice on a file system without case"),
    ],
)
def test_folder_without_a_canonical_tar(
    kind: str, message: str, folder: Path, tmp_path: Path
) -> None:
    path = folder / "nuke/more"
    match kind:
        case "empty":
            path.mkdir()
        case "link":
            path.symlink_to(tmp_path)
        case "broken":
            path.symlink_to(tmp_path / "missing")
        case "pipe":
            os.mkfifo(path)
        case "name":
            path.with_name("größe").touch()
        case "long":
            path.with_name(100 * "a").touch()
        case "case":
            path.with_name("Guide.html").touch()
    with pytest.raises((TarError, OSError), match=message):
        canonical(folder)


def test_folder_of_nothing(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    with pytest.raises(TarError, match="is an empty folder"):
        canonical(tmp_path / NAME)


def test_folder_with_a_file_named_as_its_tar_is_refused(folder: Path) -> None:
    (folder / f"{NAME}.tar").touch()
    with pytest.raises(TarError, match="has the name of the tar itself"):
        digest_release(folder)


def test_a_renamed_folder_is_another_release(folder: Path) -> None:
    renamed = Path(shutil.copytree(folder, folder.with_name("CorridorKey-2.0")))
    assert digest_release(renamed).files == DIGESTS
    assert digest_release(renamed).subjects() != digest_release(folder).subjects()
