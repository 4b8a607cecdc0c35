"""A release is held to its list: whatever is not as it was made is named."""

import io
import tarfile
from pathlib import Path

import pytest

from export.common import checksums
from export.common.checksums import ChecksumError

# Of "abc" and of the empty message, from FIPS 180-4's examples.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def pack(folder: Path) -> Path:
    """A tar of a folder, under the folder's name."""
    path = folder.with_name(f"{folder.name}.tar")
    with tarfile.open(path, "w") as tar:
        tar.add(folder, folder.name)
    return path


@pytest.fixture(params=["folder", "tar"])
def packed(request: pytest.FixtureRequest) -> bool:
    """Whether the release is a tar."""
    return bool(request.param == "tar")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small release."""
    folder = tmp_path / "release"
    (folder / "nuke").mkdir(parents=True)
    (folder / "a.pt").write_text("abc")
    (folder / "nuke/empty.nk").touch()
    (folder / "SHA256SUMS").write_text(checksums.to_text({"nuke/empty.nk": EMPTY, "a.pt": ABC}))
    return folder


def test_the_list_is_sorted_and_in_the_form_of_sha256sum(folder: Path) -> None:
    assert (folder / "SHA256SUMS").read_text() == f"{ABC}  a.pt\n{EMPTY}  nuke/empty.nk\n"


def test_release_as_it_was_made_passes(folder: Path, packed: bool) -> None:
    release = pack(folder) if packed else folder
    digests = {"a.pt": ABC, "nuke/empty.nk": EMPTY}
    assert checksums.check(release) == digests
    assert checksums.read(release, "a.pt") == b"abc"


def test_every_file_that_is_not_as_it_was_made_is_named(folder: Path, packed: bool) -> None:
    (folder / "a.pt").write_text("abd")
    (folder / "nuke/empty.nk").unlink()
    (folder / "nuke/more.nk").touch()
    with pytest.raises(
        ChecksumError,
        match=r"nuke/empty.nk is missing; nuke/more.nk is not in SHA256SUMS; a.pt is changed$",
    ):
        checksums.check(pack(folder) if packed else folder)


def test_release_without_a_list_is_refused(folder: Path, packed: bool) -> None:
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(ChecksumError, match="has no SHA256SUMS"):
        checksums.check(pack(folder) if packed else folder)


def test_what_is_not_there_cannot_be_read(folder: Path, packed: bool) -> None:
    with pytest.raises(ChecksumError, match=r"has no provenance\.json"):
        checksums.read(pack(folder) if packed else folder, "provenance.json")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_tar_holds_plain_files_only(folder: Path, kind: bytes) -> None:
    tar = pack(folder)
    link = tarfile.TarInfo("release/b.pt")
    link.type, link.linkname = kind, "release/a.pt"
    with tarfile.open(tar, "a") as writer:
        writer.addfile(link)
    with pytest.raises(ChecksumError, match=r"release/b\.pt is no plain file"):
        checksums.check(tar)


def test_a_second_file_of_one_name_is_refused(folder: Path) -> None:
    tar = pack(folder)
    again = tarfile.TarInfo("other/a.pt")
    again.size = 3
    with tarfile.open(tar, "a") as writer:
        writer.addfile(again, io.BytesIO(b"abc"))
    with pytest.raises(ChecksumError, match=r"two files a\.pt"):
        checksums.check(tar)


@pytest.mark.parametrize("content", [b"", b"no tar", bytes(1000)])
def test_what_is_no_tar_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "release.tar"
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"no folder, and no whole tar|has no SHA256SUMS"):
        checksums.check(path)


def test_a_tar_that_is_cut_short_is_refused(folder: Path) -> None:
    (folder / "a.pt").write_bytes(bytes(100_000))
    tar = pack(folder)
    tar.write_bytes(tar.read_bytes()[:50_000])
    with pytest.raises(ChecksumError, match="no whole tar: unexpected end of data"):
        checksums.check(tar)
