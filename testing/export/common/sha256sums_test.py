"""Every file that differs from the list is named; a list is accepted in one form only."""

import os
from pathlib import Path

import pytest

from export.common import sha256sums
from export.common.sha256sums import ChecksumError

# SHA-256 of "abc" and of the empty message (FIPS 180-4).
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Returns a small folder with its list."""
    folder = tmp_path / "release"
    (folder / "nuke").mkdir(parents=True)
    (folder / "a.pt").write_text("abc")
    (folder / "nuke/empty.nk").touch()
    (folder / "SHA256SUMS").write_text(sha256sums.to_text({"nuke/empty.nk": EMPTY, "a.pt": ABC}))
    return folder


def test_the_list_is_sorted_and_in_the_form_of_sha256sum(folder: Path) -> None:
    assert (folder / "SHA256SUMS").read_text() == f"{ABC}  a.pt\n{EMPTY}  nuke/empty.nk\n"


def test_unchanged_folder_passes(folder: Path) -> None:
    assert sha256sums.check(folder) == {"a.pt": ABC, "nuke/empty.nk": EMPTY}


def test_every_file_that_differs_is_named(folder: Path) -> None:
    (folder / "a.pt").write_text("abd")
    (folder / "nuke/empty.nk").unlink()
    (folder / "nuke/more.nk").touch()
    with pytest.raises(
        ChecksumError,
        match=r"nuke/empty.nk is missing; nuke/more.nk is not in SHA256SUMS; a.pt is changed$",
    ):
        sha256sums.check(folder)


def test_many_differences_are_cut_short(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}\x1b[2J").touch()
    with pytest.raises(ChecksumError, match=r"; and 90 more$") as caught:
        sha256sums.check(folder)
    assert str(caught.value).isprintable()


def test_folder_without_a_list_is_refused(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(ChecksumError, match="has no SHA256SUMS"):
        sha256sums.check(folder)


def test_the_name_of_a_folder_is_printed_escaped(tmp_path: Path) -> None:
    folder = tmp_path / "\x1b]0;title\x07"
    folder.mkdir()
    with pytest.raises(ChecksumError, match=r"\\x1b\]0;title\\x07 has no SHA256SUMS"):
        sha256sums.check(folder)


def test_a_pipe_in_a_folder_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(OSError, match="/pipe is a folder, a pipe or a device"):
        sha256sums.check(folder)


def test_a_list_below_the_top_is_a_file_as_any_other(folder: Path) -> None:
    (folder / "nuke/SHA256SUMS").touch()
    with pytest.raises(ChecksumError, match="nuke/SHA256SUMS is not in SHA256SUMS"):
        sha256sums.check(folder)


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
