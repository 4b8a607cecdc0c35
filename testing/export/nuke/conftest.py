"""What the tests of the Nuke kit share."""

import os
from pathlib import Path

import pytest

from export.nuke import kit
from testing.export.nuke import nuke_script
from testing.export.nuke.nuke_script import ReadScript
from wrapper.knobs import KNOBS

GIZMO = "Cattery/CorridorKey/CorridorKey.gizmo"
SCRIPTS = ("CatFileCreator.nk", "comp_template.nk", "exr_passes.nk", GIZMO)


@pytest.fixture(scope="session")
def kit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The kit as Bazel has built it; without Bazel, as it would be built."""
    if "KIT" in os.environ:
        return Path(os.environ["KIT"])
    folder = tmp_path_factory.mktemp("kit")
    for name, content in kit.files(KNOBS).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="session")
def tclsh() -> None:
    """For a test that needs a Tcl interpreter."""
    if nuke_script.tclsh() is None:
        pytest.skip("no tclsh on this machine (apt-get install tcl); the Debian root has one")


@pytest.fixture(scope="session")
def scripts(tclsh: None, kit_folder: Path) -> dict[str, ReadScript]:  # noqa: ARG001
    """Every Nuke script of the kit, evaluated."""
    return {name: nuke_script.read(kit_folder / name) for name in SCRIPTS}
