"""init.py and menu.py, run as Nuke runs them: on the path, off the path, and twice on the path."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.pt_file import write_pt
from wrapper.model_ids import MODEL_ID

_START = """
import runpy, sys, webbrowser
from pathlib import Path
from testing.export.nuke.recorder.nuke import Nuke

folders = [Path(folder) for folder in sys.argv[2:]]
nuke = Nuke(version=(15, 1), plugin_path=folders)
sys.modules["nuke"] = nuke
opened = []
webbrowser.open = opened.append
if sys.argv[1] == "on":
    sys.path[:0] = map(str, folders)  # Nuke puts the folders of NUKE_PATH on sys.path
for name in "init.py", "menu.py":
    for folder in reversed(folders):  # Nuke runs them in reverse order of the path
        runpy.run_path(str(folder / name))
"""


def start(*folders: Path, on_path: bool = True, then: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a clean interpreter that starts Nuke with these folders, then more code."""
    return subprocess.run(
        [sys.executable, "-B", "-c", _START + then, "on" if on_path else "off", *folders],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )


@pytest.fixture
def kit_copy(kit_folder: Path, tmp_path: Path) -> Path:
    """Returns a copy of the kit in a release: its .pt files are beside it."""
    copy = tmp_path / "release" / "nuke"
    shutil.copytree(kit_folder, copy, copy_function=shutil.copyfile)
    return copy


def test_the_menu_has_every_command_and_icon(kit_copy: Path) -> None:
    result = start(
        kit_copy,
        then="""
menu = nuke.toolbar.menus["CorridorKey"]
for command in menu.commands.values():
    command()
for icon in nuke.toolbar.icons + menu.icons:
    assert any((Path(folder) / icon).is_file() for folder in nuke.pluginPath()), icon
print(*[node.kind for node in nuke.created], *[Path(path).name for path in nuke.pasted], *opened)
""",
    )
    assert result.stderr == ""
    *_, last = result.stdout.splitlines()
    assert last.split() == [
        KIT_NAME,
        "comp_template.nk",
        "exr_passes.nk",
        "CatFileCreator.nk",
        (kit_copy / "guide.html").resolve().as_uri(),
    ]


def test_off_the_path_nuke_starts_and_the_reason_is_printed(kit_copy: Path) -> None:
    result = start(kit_copy, on_path=False, then="print(sorted(nuke.toolbar.menus))")
    assert result.stderr == ""
    reason, menus = result.stdout.splitlines()
    assert reason.startswith("CorridorKey: no menu: ModuleNotFoundError: ")
    assert menus == "[]"


@pytest.mark.parametrize("broken", ["kit.json", f"{KIT_NAME.lower()}.py"])
def test_a_damaged_kit_does_not_stop_nuke(kit_copy: Path, broken: str) -> None:
    (kit_copy / broken).write_text("{")
    result = start(kit_copy)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("CorridorKey: no menu: ")


def test_of_two_copies_the_first_on_the_path_is_used(kit_copy: Path, tmp_path: Path) -> None:
    second = tmp_path / "older" / "nuke"
    shutil.copytree(kit_copy, second)
    result = start(
        kit_copy,
        second,
        then="""
nuke.toolbar.menus["CorridorKey"].commands["Comp template"]()
print(nuke.pasted[0])
""",
    )
    assert result.stderr == ""
    note, pasted = result.stdout.splitlines()
    assert (
        note
        == f"CorridorKey: {second} is not used. {kit_copy} has the same version and comes first."
    )
    assert pasted == (kit_copy / "comp_template.nk").as_posix()


_PASTE = """
nuke.toolbar.menus["CorridorKey"].commands["CatFileCreator (NukeX)"]()
(node,) = nuke.allNodes("CatFileCreator")
print(*(repr(node[name].stored) for name in ("torchScriptFile", "catFile", "modelId")))
"""


def test_cat_file_creator_gets_the_file_that_this_nuke_loads(kit_copy: Path) -> None:
    release = kit_copy.parent
    write_pt(release / "A_nuke14.pt", runtime="nuke14", model_id=f"{MODEL_ID}_nuke14")
    with zipfile.ZipFile(release / "B_foreign.pt", "w"):
        pass
    pt = write_pt(release / "CorridorKey.pt", model_id=MODEL_ID)
    result = start(kit_copy, then=_PASTE)
    assert result.stderr == ""
    cat = kit_copy / "Cattery" / KIT_NAME / f"{KIT_NAME}_green_2048_torch201.cat"
    assert result.stdout.splitlines()[-1] == f"{str(pt)!r} {str(cat)!r} {MODEL_ID!r}"


def test_cat_file_creator_without_a_file_is_empty_and_says_so(kit_copy: Path) -> None:
    result = start(kit_copy, then=_PASTE)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        f"CorridorKey: no .pt for Nuke 15.1 in {kit_copy.parent}",
        "'' '' ''",
    ]
