"""The manifest inside a .pt is read without torch, and anything ambiguous is refused."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from export.artifact.artifact_manifest import (
    MAXIMUM_BYTES,
    NAME_IN_ARCHIVE,
    ManifestError,
    knob_table,
    read_manifest,
)
from wrapper.knobs import KNOBS

CONTENT = {"model_id": "CorridorKey_untrained_256", "resolution": 256}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "CorridorKey.pt"


def write(path: Path, *contents: str, folder: str = "CorridorKey", compression: int = 0) -> None:
    """Writes an archive with a manifest for each content, in the folders a, b, … if several."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{folder}/data.pkl", b"")
        for number, content in enumerate(contents):
            name = folder if len(contents) == 1 else "abc"[number]
            archive.writestr(f"{name}/extra/{NAME_IN_ARCHIVE}", content)


@pytest.mark.parametrize("folder", ["CorridorKey", "archive"])
def test_manifest_is_read_whatever_the_folder(folder: str, path: Path) -> None:
    write(path, json.dumps(CONTENT), folder=folder)
    assert read_manifest(path) == CONTENT


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ((), "has 0 manifests; expected one. Export it again"),
        (("{}", "{}"), "has 2 manifests; expected one"),
        (("",), "no manifest that can be read"),
        (("[]",), "not a JSON object"),
        (("null",), "not a JSON object"),
        (("{" * 100,), "no manifest that can be read"),
        (("[" * 500_000,), "maximum recursion depth"),
        ((" " * (MAXIMUM_BYTES + 1),), "more than 1,048,576 bytes"),
    ],
)
def test_another_manifest_is_refused(contents: tuple[str, ...], message: str, path: Path) -> None:
    write(path, *contents)
    with pytest.raises(ManifestError, match=message):
        read_manifest(path)


def test_a_manifest_that_expands_is_refused_in_little_memory(path: Path) -> None:
    write(path, " " * (64 << 20), compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ManifestError, match="more than 1,048,576 bytes"):
        read_manifest(path)


@pytest.mark.parametrize("content", [b"", b"not a zip file", bytes(100_000)])
def test_a_file_that_is_not_an_archive_is_refused(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=f"{path.name} holds no manifest that can be read"):
        read_manifest(path)


def test_damaged_archives_raise_no_other_error(path: Path) -> None:
    write(path, json.dumps(CONTENT))
    good = path.read_bytes()
    for position in range(len(good)):
        data = bytearray(good)
        data[position] ^= 1 << position % 8
        path.write_bytes(data)
        try:
            read_manifest(path)
        except ManifestError:
            continue


def test_reading_needs_no_torch(path: Path) -> None:
    write(path, json.dumps(CONTENT))
    code = (
        "import pathlib, sys; from export.artifact.artifact_manifest import read_manifest; "
        "print(read_manifest(pathlib.Path(sys.argv[1]))['resolution'], 'torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, path],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "256 False\n"


def test_knob_table_has_no_text_for_people() -> None:
    table = knob_table()
    assert [entry["name"] for entry in table] == [knob.name for knob in KNOBS]
    assert not any("tooltip" in entry or "label" in entry for entry in table)
    assert json.loads(json.dumps(table)) == table
