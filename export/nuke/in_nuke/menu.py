"""Nuke runs this as its window opens: CorridorKey in the toolbar."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import nuke

_FOLDER = next(
    folder for folder in map(Path, nuke.pluginPath()) if (folder / "create_cat.py").is_file()
)


def _paste(name: str) -> None:
    nuke.nodePaste((_FOLDER / name).as_posix())


_MENU = nuke.menu("Nodes").addMenu("CorridorKey", icon="CorridorKey.png")
_MENU.addCommand("CorridorKey", lambda: nuke.createNode("CorridorKey"), icon="CorridorKey.png")
_MENU.addCommand("Comp template", lambda: _paste("comp_template.nk"))
_MENU.addCommand("EXR passes", lambda: _paste("exr_passes.nk"))
_MENU.addCommand("CatFileCreator (NukeX)", lambda: _paste("CatFileCreator.nk"))
_MENU.addCommand("Guide", lambda: webbrowser.open((_FOLDER / "guide.html").as_uri()))
