"""A tar of plain files in one folder is unpacked; every other is refused, and the member named."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from export.verify import tar_check
from export.verify.tar_check import TarError, unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def write(path: Path, *members: tarfile.TarInfo, mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info in (member("R/a"), member("R/nuke", tarfile.DIRTYPE), *members):
            content = b"x" * 1000 if info.isreg() else b""
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def test_plain_files_are_unpacked(tmp_path: Path, scratch: Path) -> None:
    added = (member("R/nuke/b.nk"), member("R/nuke/b@2x.png"))
    release = unpack(write(tmp_path / "r.tar", *added), scratch)
    assert release == scratch / "R"
    assert {str(path.relative_to(release)) for path in release.rglob("*")} == {
        "a",
        "nuke",
        "nuke/b.nk",
        "nuke/b@2x.png",
    }


@pytest.mark.parametrize(
    ("infos", "message"),
    [
        ([member("R/link", tarfile.SYMTYPE, "/etc/passwd")], "R/link is a link"),
        ([member("R/link", tarfile.LNKTYPE, "R/a")], "R/link is a link"),
        ([member("R/tty", tarfile.CHRTYPE)], "R/tty is a link or a device"),
        ([member("R/disk", tarfile.BLKTYPE)], "R/disk is a link or a device"),
        ([member("R/pipe", tarfile.FIFOTYPE)], "R/pipe is a link or a device"),
        ([member("R/../../evil")], "'R/../../evil' is no name"),
        ([member("../evil")], "'../evil' is no name"),
        ([member("/etc/cron.d/evil")], "is no name"),
        ([member("R/./a")], "is no name"),
        ([member("R//b")], "is no name"),
        ([member("R/a\nb")], "is no name"),
        ([member("R/a")], "R/a is in it twice"),
        ([member("S/a")], "it has R, S, not one folder"),
        ([member("README")], "it has R, README, not one folder"),
    ],
)
def test_hostile_tar_is_refused(
    infos: list[tarfile.TarInfo], message: str, tmp_path: Path, scratch: Path
) -> None:
    with pytest.raises(TarError, match=message):
        unpack(write(tmp_path / "r.tar", *infos), scratch)
    assert not list(scratch.iterdir())


def damaged(path: Path) -> None:
    """Harms the header of the last member, which tarfile takes for the end."""
    data = bytearray(path.read_bytes())
    data[data.rindex(b"R/nuke/b.nk")] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda p: p.write_bytes(b""), "it is no tar, or damaged"),
        (lambda p: p.write_bytes(b"x" * 5000), "it is no tar, or damaged"),
        (lambda p: p.write_bytes(bytes(10240)), "it has nothing, not one folder"),
        (lambda p: p.write_bytes(p.read_bytes() + b"evil"), "more bytes follow"),
        (lambda p: p.write_bytes(p.read_bytes() + bytes(1 << 21) + b"x"), "more bytes follow"),
        (lambda p: p.write_bytes(p.read_bytes()[:2100]), "it is damaged at 2,048"),
        (lambda p: p.write_bytes(p.read_bytes()[:1000]), "it is no tar, or damaged"),
        (lambda p: write(p, mode="w:gz"), "it is no tar, or damaged"),
        (damaged, "it is damaged at"),
    ],
)
def test_harmed_tar_is_refused(
    harm: Callable[[Path], object], message: str, tmp_path: Path, scratch: Path
) -> None:
    tar = write(tmp_path / "r.tar", member("R/nuke/b.nk"))
    harm(tar)
    with pytest.raises(TarError, match=message):
        unpack(tar, scratch)


@pytest.mark.parametrize("names", [("R/b", "R/b/c"), ("R/b/c", "R/b")])
def test_file_that_is_a_folder_too_is_refused(
    names: tuple[str, str], tmp_path: Path, scratch: Path
) -> None:
    with pytest.raises(TarError, match="is a file and a folder"):
        unpack(write(tmp_path / "r.tar", *map(member, names)), scratch)


def test_tar_with_too_much_in_it_is_refused(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = write(tmp_path / "r.tar")
    with monkeypatch.context() as patch:
        patch.setattr(tar_check, "_MAXIMUM_MEMBERS", 1)
        with pytest.raises(TarError, match="more than 1 members"):
            unpack(tar, scratch)
    with tar.open("r+b") as file:
        file.truncate(tar_check._MAXIMUM_BYTES + 1)  # takes no disk
    with pytest.raises(TarError, match="more than any release"):
        unpack(tar, scratch)
