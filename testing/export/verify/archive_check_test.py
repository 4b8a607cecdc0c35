"""The exporter's archives pass, and no byte of one can be another."""

import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.artifact.canonical import canonicalize
from export.verify import archive_check
from export.verify.archive_check import ArchiveError, check_archive
from testing.depth import DEPTH
from testing.export.verify.small_artifact import write_small_artifact
from testing.hostile.archives import records, write


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive_check") / "CorridorKey.pt"
    write_small_artifact(path)
    return path


@pytest.fixture
def path(good: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm."""
    return Path(shutil.copy(good, tmp_path))


def test_file_larger_than_any_artefact_is_not_even_read(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(archive_check.MAXIMUM_BYTES + 1)  # takes no disk
    with pytest.raises(ArchiveError, match="where 1,073,741,824 would be plenty"):
        check_archive(path)


def sound_and_canonical(path: Path) -> bool:
    copy = path.with_suffix(".copy")
    try:
        check_archive(path)
        canonicalize(path, copy)
    except (ArchiveError, zipfile.BadZipFile):
        return False
    return path.read_bytes() == copy.read_bytes()


def test_no_byte_can_be_another(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    harmed = tmp_path / "harmed.pt"

    @settings(max_examples=400 * DEPTH, deadline=None, derandomize=True)
    @given(position=st.integers(0, len(content) - 1), change=st.integers(1, 255))
    def check(position: int, change: int) -> None:
        flipped = bytearray(content)
        flipped[position] ^= change
        harmed.write_bytes(flipped)
        assert not sound_and_canonical(harmed)

    check()


def test_every_cut_is_refused(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    harmed = tmp_path / "harmed.pt"
    for length in range(len(content) % 13, len(content), 13):
        harmed.write_bytes(content[:length])
        with pytest.raises(ArchiveError):
            check_archive(harmed)


def test_damage_of_any_kind_raises_nothing_else(good: Path, tmp_path: Path) -> None:
    content = good.read_bytes()
    directory = struct.unpack_from("<L", content, len(content) - 6)[0]
    harmed = tmp_path / "harmed.pt"

    @settings(max_examples=200 * DEPTH, deadline=None, derandomize=True)
    @given(
        # Most of the damage is to the directory, where a reader meets it.
        start=st.integers(0, len(content)) | st.integers(directory, len(content)),
        length=st.integers(0, 64),
        piece=st.binary(max_size=64),
    )
    def check(start: int, length: int, piece: bytes) -> None:
        harmed.write_bytes(content[:start] + piece + content[start + length :])
        assert sound_and_canonical(harmed) == (harmed.read_bytes() == content)

    check()


def test_the_good_one_is_sound_and_canonical(good: Path) -> None:
    assert sound_and_canonical(good)


def test_the_same_records_in_another_order_are_not_canonical(path: Path) -> None:
    write(path, list(reversed(records(path))))
    check_archive(path)
    assert not sound_and_canonical(path)
