"""Only regular files of a bounded size are opened, and nothing waits."""

import os
import socket
from pathlib import Path

import pytest

from export.common.regular_file import FileError, open_regular, read_regular


def test_a_file_and_a_link_to_it_are_read(tmp_path: Path) -> None:
    path, link = tmp_path / "file", tmp_path / "link"
    path.write_bytes(b"abc")
    link.symlink_to(path)
    assert read_regular(path, 3) == read_regular(link, 3) == b"abc"
    with open_regular(path, 3) as file:
        assert file.read() == b"abc"


def test_a_link_is_refused_where_none_may_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    for target in (path, tmp_path / "missing", tmp_path / "link"):
        link = tmp_path / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(FileError, match="is a link; expected a regular file"):
            open_regular(link, 3, follow_link=False)
    with open_regular(path, 3, follow_link=False) as file:
        assert file.read() == b"abc"


def test_a_larger_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(FileError, match=r"has 1,099,511,627,776 bytes; at most 1,000 are"):
        read_regular(path, 1000)


def test_what_is_not_a_regular_file_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # The path of a socket is short.
    os.mkfifo("pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("socket")
    for path in (tmp_path, Path("pipe"), Path("socket"), Path("/dev/zero")):
        with pytest.raises(FileError, match="expected a regular file"):
            read_regular(path, 1000)
    listener.close()


def descriptors() -> int:
    """Returns the number of open descriptors, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = descriptors()
    for _ in range(10):
        with pytest.raises(FileError):
            open_regular(tmp_path, 1000)
    after = descriptors()
    assert after == before
