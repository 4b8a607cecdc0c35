"""A `nuke` module that has only the documented names that the kit uses, and records every call.

The functions, the knob classes and their methods are in Foundry's Python reference. CatFileCreator
and its use from Python are in Foundry's .cat File Creation guide and in published scripts
(github.com/pedroCabrera/CatteryNodes).
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder.knobs import EnumerationKnob, FormatKnob, NumberKnob
from testing.export.nuke.recorder.nodes import CatFileCreator, GizmoNode, Node, Pixels, plain_node


@dataclasses.dataclass
class Menu:
    """A menu of the toolbar."""

    commands: dict[str, Callable[[], object]] = dataclasses.field(default_factory=dict)
    icons: list[str] = dataclasses.field(default_factory=list)
    menus: dict[str, "Menu"] = dataclasses.field(default_factory=dict)

    def addMenu(self, name: str, icon: str) -> "Menu":  # noqa: N802
        """Adds a menu inside."""
        self.icons.append(icon)
        return self.menus.setdefault(name, Menu())

    def addCommand(self, name: str, command: Callable[[], object], icon: str = "") -> None:  # noqa: N802
        """Adds a command."""
        if icon:
            self.icons.append(icon)
        self.commands[name] = command


class _Root:
    """The root node."""

    __slots__ = ("format",)

    def __init__(self) -> None:
        self.format = FormatKnob("format")

    def knob(self, name: str) -> FormatKnob:
        """Returns the knob of the format."""
        if name != "format":
            raise KeyError(name)
        return self.format


class Nuke:
    """The module.

    Args:
        version: Version of Nuke.
        nukex: Offers CatFileCreator.
        writes: Bytes that its button writes into the .cat; None writes no file.
        plugin_path: Folders on the plug-in path.
        gizmo: The gizmo's file, for programs that key.
        cats: Names of the .cat files on the plug-in path.
        gpu: What Inference shows as its GPU.
        pixels: What the gizmo renders.
    """

    __slots__ = (
        "Double_Knob",
        "Enumeration_Knob",
        "NUKE_VERSION_MAJOR",
        "NUKE_VERSION_MINOR",
        "NUKE_VERSION_STRING",
        "_cats",
        "_gizmo",
        "_gpu",
        "_nodes",
        "_nukex",
        "_pixels",
        "_plugin_path",
        "_root",
        "_writes",
        "calls",
        "created",
        "open_files",
        "pasted",
        "toolbar",
    )

    def __init__(
        self,
        version: tuple[int, int] = (15, 1),
        nukex: bool = True,
        writes: bytes | None = b"cat",
        plugin_path: Sequence[Path] = (),
        gizmo: Script | None = None,
        cats: Sequence[str] = (),
        gpu: str = "Not available",
        pixels: Pixels = lambda *_: 0.0,
    ) -> None:
        self.NUKE_VERSION_MAJOR, self.NUKE_VERSION_MINOR = version
        self.NUKE_VERSION_STRING = "{}.{}v1".format(*version)
        self.Double_Knob, self.Enumeration_Knob = NumberKnob, EnumerationKnob
        self.calls: list[str] = []
        self.created: list[Any] = []
        self.pasted: list[str] = []
        self.open_files: list[Path] = []
        self.toolbar = Menu()
        self._nodes: list[Node] = []
        self._nukex, self._writes = nukex, writes
        self._plugin_path = [str(folder) for folder in plugin_path]
        self._gizmo, self._cats, self._gpu, self._pixels = gizmo, cats, gpu, pixels
        self._root = _Root()

    def add(self, node: Node) -> None:
        """Adds a node that Nuke makes itself."""
        self._nodes.append(node)

    def allNodes(self, kind: str) -> list[Node]:  # noqa: N802
        """Returns the nodes of a class."""
        self.calls.append(f"allNodes {kind}")
        return [node for node in self._nodes if node.kind == kind]

    def createNode(self, kind: str) -> Any:  # noqa: N802
        """Creates a CatFileCreator, or a gizmo on the plug-in path."""
        self.calls.append(f"createNode {kind}")
        if kind == "CatFileCreator" and self._nukex:
            node: Node = CatFileCreator(self, self._writes)
        elif kind == KIT_NAME and self._gizmo:
            node = GizmoNode(self._gizmo, self._cats, self._gpu, self._pixels)
        elif kind in ("Constant", "Expression", "Read", "Write"):
            node = plain_node(kind, f"{kind}{len(self._nodes)}")
        elif any((Path(folder) / f"{kind}.gizmo").is_file() for folder in self._plugin_path):
            node = Node(kind, f"{kind}1", [])
        else:
            raise RuntimeError(f"{kind}: Unknown command")
        self._nodes.append(node)
        self.created.append(node)
        return node

    def delete(self, node: Node) -> None:
        """Deletes a node. An Inference node closes its file, which is not yet moved by then."""
        self.calls.append(f"delete {node.kind}")
        self._nodes.remove(node)
        if node.kind == "Inference":
            assert self.open_files.pop().is_file()

    def execute(self, node: Node, first: int, last: int) -> None:
        """Renders a Write node."""
        assert node.kind == "Write"
        self.calls.append(f"execute {node.knobs['file'].stored} {first} {last}")

    def root(self) -> "_Root":
        """Returns the root node."""
        return self._root

    def toNode(self, name: str) -> Node | None:  # noqa: N802
        """Returns the node inside the gizmo, by its full name."""
        self.calls.append(f"toNode {name}")
        for node in self._nodes:
            if isinstance(node, GizmoNode) and name == f"{node.title}.{node.inference.title}":
                return node.inference
        return None

    def menu(self, name: str) -> Menu:
        """Returns the toolbar."""
        if name != "Nodes":
            raise KeyError(name)
        return self.toolbar

    def nodePaste(self, path: str) -> Node:  # noqa: N802
        """Pastes a script and returns its last node."""
        self.calls.append(f"nodePaste {Path(path).name}")
        self.pasted.append(path)
        text = Path(path).read_text()
        node = (
            CatFileCreator(self, None) if "\nCatFileCreator {" in text else Node("Write", "W", [])
        )
        self._nodes.append(node)
        return node

    def pluginAddPath(self, folder: str) -> None:  # noqa: N802
        """Adds a folder in front, relative to the one whose init.py runs."""
        self._plugin_path.insert(0, str(Path(self._plugin_path[0], folder)))

    def pluginPath(self) -> list[str]:  # noqa: N802
        """Returns the folders."""
        return list(self._plugin_path)
