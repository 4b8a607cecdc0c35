"""Every file that differs from the list is named; a list is accepted in one form only."""

import io
import tarfile
from pathlib import Path

import pytest

from export.common import sha256sums
from export.common.sha256sums import ChecksumError

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
    (folder / "SHA256SUMS").write_text(sha256sums.to_text({"nuke/empty.nk": EMPTY, "a.pt": ABC}))
    return folder


def test_the_list_is_sorted_and_in_the_form_of_sha256sum(folder: Path) -> None:
    assert (folder / "SHA256SUMS").read_text() == f"{ABC}  a.pt\n{EMPTY}  nuke/empty.nk\n"


def test_release_as_it_was_made_passes(folder: Path, packed: bool) -> None:
    release = pack(folder) if packed else folder
    digests = {"a.pt": ABC, "nuke/empty.nk": EMPTY}
    assert sha256sums.check(release) == digests
    assert sha256sums.read(release, "a.pt") == b"abc"


def test_every_file_that_is_not_as_it_was_made_is_named(folder: Path, packed: bool) -> None:
    (folder / "a.pt").write_text("abd")
    (folder / "nuke/empty.nk").unlink()
    (folder / "nuke/more.nk").touch()
    with pytest.raises(
        ChecksumError,
        match=r"nuke/empty.nk is missing; nuke/more.nk is not in SHA256SUMS; a.pt is changed$",
    ):
        sha256sums.check(pack(folder) if packed else folder)


def test_release_without_a_list_is_refused(folder: Path, packed: bool) -> None:
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(ChecksumError, match="has no SHA256SUMS"):
        sha256sums.check(pack(folder) if packed else folder)


def test_what_is_not_there_cannot_be_read(folder: Path, packed: bool) -> None:
    with pytest.raises(ChecksumError, match=r"has no provenance\.json"):
        sha256sums.read(pack(folder) if packed else folder, "provenance.json")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_tar_holds_plain_files_only(folder: Path, kind: bytes) -> None:
    tar = pack(folder)
    link = tarfile.TarInfo("release/b.pt")
    link.type, link.linkname = kind, "release/a.pt"
    with tarfile.open(tar, "a") as writer:
        writer.addfile(link)
    with pytest.raises(ChecksumError, match=r"release/b\.pt is not a regular file"):
        sha256sums.check(tar)


def test_a_second_file_of_one_name_is_refused(folder: Path) -> None:
    tar = pack(folder)
    again = tarfile.TarInfo("other/a.pt")
    again.size = 3
    with tarfile.open(tar, "a") as writer:
        writer.addfile(again, io.BytesIO(b"abc"))
    with pytest.raises(ChecksumError, match=r"two files a\.pt"):
        sha256sums.check(tar)


@pytest.mark.parametrize("content", [b"", b"no tar", bytes(1000)])
def test_what_is_no_tar_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "release.tar"
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"neither a folder nor a|has no SHA256SUMS"):
        sha256sums.check(path)


def test_a_tar_that_is_cut_short_is_refused(folder: Path) -> None:
    (folder / "a.pt").write_bytes(bytes(100_000))
    tar = pack(folder)
    tar.write_bytes(tar.read_bytes()[:50_000])
    with pytest.raises(ChecksumError, match="nor a complete tar: unexpected end of data"):
        sha256sums.check(tar)


def test_a_list_in_its_one_form_is_parsed() -> None:
    digests = {"a.pt": ABC, "nuke/empty.nk": EMPTY, "wheels/torch-2.7.1+cpu~1%3a.whl": ABC}
    assert sha256sums.parse(sha256sums.to_text(digests).encode()) == digests
    assert sha256sums.parse(b"") == {}


@pytest.mark.parametrize(
    "text",
    [
        f"{ABC}  a.pt",  # no newline at the end
        f"{ABC} *a.pt\n",  # binary mode
        f"{ABC}  a.pt\r\n",
        f"{ABC}  a.pt\n\n",
        f"\n{ABC}  a.pt\n",
        f"{ABC}   a.pt\n",
        f"{ABC.upper()}  a.pt\n",
        f"{ABC[1:]}  a.pt\n",
        f"\\{ABC}  a.pt\\n\n",  # sha256sum's notation for a name with a newline
        f"{ABC}  /a.pt\n",
        f"{ABC}  ../a.pt\n",
        f"{ABC}  b/../a.pt\n",
        f"{ABC}  ./a.pt\n",
        f"{ABC}  b/.\n",
        f"{ABC}  b//a.pt\n",
        f"{ABC}  b/\n",
        f"{ABC}  ..\n",
        f"{ABC}  a b.pt\n",
        f"{ABC}  \u0430.pt\n",  # Cyrillic
        f"{ABC}  a.pt\n{EMPTY}  a.pt\n",
        f"{ABC}  b.pt\n{EMPTY}  a.pt\n",
        f"{ABC}  a.pt\x00\n",
        f"{ABC}  a.pt\x0b{EMPTY}  b.pt\n",  # str.splitlines would find two lines
    ],
)
def test_a_list_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(ChecksumError, match=r"^SHA256SUMS"):
        sha256sums.parse(text.encode())


def test_a_list_of_any_size_is_refused_in_little_memory() -> None:
    with pytest.raises(ChecksumError, match=r"at most 4,194,304 are allowed"):
        sha256sums.parse(bytes(sha256sums.MAXIMUM_BYTES + 1))
    with pytest.raises(ChecksumError, match="line 1"):
        sha256sums.parse(b"\n" * sha256sums.MAXIMUM_BYTES)
