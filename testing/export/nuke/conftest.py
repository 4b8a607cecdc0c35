"""Fixtures for the tests of the Nuke kit: its folder and its evaluated scripts."""

import os
from pathlib import Path

import pytest

from export.nuke import kit
from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script
from wrapper.knobs import KNOBS

GIZMO = f"Cattery/{KIT_NAME}/{KIT_NAME}.gizmo"
SCRIPTS = ("CatFileCreator.nk", "comp_template.nk", "exr_passes.nk", GIZMO)


@pytest.fixture(scope="session")
def kit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the kit as Bazel built it; without Bazel, writes it."""
    if "KIT" in os.environ:
        return Path(os.environ["KIT"]).resolve()
    folder = tmp_path_factory.mktemp("kit")
    for name, content in kit.files(KNOBS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def tclsh() -> None:
    """Skips a test on a machine without a Tcl interpreter."""
    if script_reader.tclsh() is None:
        pytest.skip("no tclsh on this machine (apt-get install tcl); the Debian root has one")


@pytest.fixture(scope="session")
def scripts(tclsh: None, kit_folder: Path) -> dict[str, Script]:  # noqa: ARG001
    """Evaluates every Nuke script of the kit."""
    return {name: script_reader.read(kit_folder / name) for name in SCRIPTS}


@pytest.fixture
def gizmo(scripts: dict[str, Script]) -> Script:
    """Returns the evaluated gizmo."""
    return scripts[GIZMO]
