"""Fixtures of verify's tests: a small exporter, a file of its own, a witness, the children."""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export.verify import artifact_check
from export.verify.weights import pins as weights
from testing.export.verify.small_artifact import SmallExporter

_CHILDREN: list[list[str]] = []
"""Command lines of the children of this process, as the interpreter itself reports them."""


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _CHILDREN.append(list(map(str, arguments[1])))


sys.addaudithook(_watch)


@pytest.fixture(scope="session")
def _exporter() -> SmallExporter:
    return SmallExporter()


@pytest.fixture
def exporter(
    _exporter: SmallExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SmallExporter:
    """The small exporter, which verify takes for the real one; its weights are pinned."""
    pin = dataclasses.asdict(_exporter.pin())
    pins = tmp_path / "pins.tsv"
    pins.write_text("\t".join(pin) + "\n" + "\t".join(map(str, pin.values())) + "\n")
    monkeypatch.setattr(weights, "PINS_FILE", pins)
    monkeypatch.setattr(artifact_check, "generate", _exporter.generate)
    return _exporter


@pytest.fixture
def path(exporter: SmallExporter, tmp_path: Path) -> Path:
    """A small genuine .pt that a test may harm; no manifest is beside it."""
    path = tmp_path / "CorridorKey.pt"
    exporter.write(path).unlink()
    return path


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Path]:
    """A file that hostile code writes to if anything runs it; nothing may."""
    file = tmp_path / "witness"
    file.write_text("untouched")
    before = file.stat()
    yield file
    after = file.stat()
    assert file.read_text() == "untouched"
    assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)


@pytest.fixture
def children() -> list[list[str]]:
    """Command lines of the children that the test starts."""
    _CHILDREN.clear()
    return _CHILDREN
