"""A `nuke` module that has only the documented names that the kit uses, and records every call.

The functions, the knob classes and their methods are in Foundry's Python reference. CatFileCreator
and its use from Python are in Foundry's .cat File Creation guide and in published scripts
(github.com/pedroCabrera/CatteryNodes).
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Knob:
    """A knob that takes text."""

    __slots__ = ("label", "name", "stored", "tooltip")

    def __init__(self, name: str, label: str = "") -> None:
        self.name, self.label = name, label
        self.stored: Any = None
        self.tooltip = ""

    def setTooltip(self, text: str) -> None:  # noqa: N802
        """Sets the tooltip."""
        self.tooltip = text

    def setValue(self, value: str) -> None:  # noqa: N802
        """Sets the text."""
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes text, not {value!r}")
        self.stored = value

    def value(self) -> Any:
        """Returns the value."""
        return self.stored


class NumberKnob(Knob):
    """`nuke.Double_Knob`, and `nuke.WH_Knob`, which takes one number for both directions."""

    __slots__ = ("span",)

    def setRange(self, low: float, high: float) -> None:  # noqa: N802
        """Sets the ends of the slider."""
        self.span = (low, high)

    def setValue(self, value: float) -> None:  # type: ignore[override] # noqa: N802
        """Sets the number."""
        self.stored = float(value)


class BooleanKnob(Knob):
    """`nuke.Boolean_Knob`."""

    __slots__ = ()

    def setValue(self, value: bool) -> None:  # type: ignore[override] # noqa: N802
        """Sets the switch."""
        if not isinstance(value, bool):
            raise TypeError(f"{self.name} takes a bool, not {value!r}")
        self.stored = value


class EnumerationKnob(Knob):
    """`nuke.Enumeration_Knob`."""

    __slots__ = ("entries",)

    def __init__(self, name: str, label: str, entries: Sequence[str]) -> None:
        super().__init__(name, label)
        self.entries = tuple(entries)

    def setValue(self, value: str) -> None:  # noqa: N802
        """Sets one of the entries."""
        if value not in self.entries:
            raise TypeError(f"{value} is not one of {self.entries}")
        self.stored = value


class Button:
    """`nuke.Script_Knob`."""

    __slots__ = ("_press",)

    def __init__(self, press: Callable[[], None]) -> None:
        self._press = press

    def execute(self) -> None:
        """Presses the button."""
        self._press()


class Node:
    """A node. `added` has the knobs added to it, `inputs` what is connected."""

    __slots__ = ("added", "inputs", "kind", "knobs", "title")

    def __init__(self, kind: str, title: str, knobs: Sequence[Any]) -> None:
        self.kind, self.title = kind, title
        self.knobs = {knob.name: knob for knob in knobs}
        self.added: dict[str, Any] = {}
        self.inputs: dict[int, Node] = {}

    def __getitem__(self, name: str) -> Any:
        return self.knobs[name]

    def addKnob(self, knob: Knob) -> None:  # noqa: N802
        """Adds a knob."""
        self.added[knob.name] = knob

    def name(self) -> str:
        """Returns the name."""
        return self.title

    def setInput(self, number: int, node: "Node") -> bool:  # noqa: N802
        """Connects an input."""
        self.inputs[number] = node
        return True


class CatFileCreator(Node):
    """The node whose button writes the .cat and makes an Inference node."""

    __slots__ = ("_nuke", "_writes", "presses")

    def __init__(self, nuke: "Nuke", writes: bytes | None) -> None:
        texts = ("torchScriptFile", "catFile", "channelsIn", "channelsOut", "modelId")
        fields = [*map(Knob, texts), NumberKnob("outputScale")]
        super().__init__("CatFileCreator", "CatFileCreator1", fields)
        self.presses = 0
        self._nuke, self._writes = nuke, writes

    def knob(self, name: str) -> Button:
        """Returns the button."""
        if name != "createCatFile":
            raise KeyError(name)
        return Button(self._create)

    def _create(self) -> None:
        self.presses += 1
        assert all(knob.stored is not None for knob in self.knobs.values())
        assert Path(self["torchScriptFile"].stored).is_file()
        if self._writes is not None:
            cat = Path(self["catFile"].stored)
            cat.write_bytes(self._writes)
            self._nuke.add(Node("Inference", "Inference1", [Knob("modelFile")]))
            self._nuke.open_files.append(cat)


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


class Nuke:
    """The module.

    Args:
        version: Version of Nuke.
        nukex: Offers CatFileCreator.
        writes: Bytes that its button writes into the .cat; None writes no file.
        plugin_path: Folders on the plug-in path.
    """

    __slots__ = (
        "Double_Knob",
        "Enumeration_Knob",
        "NUKE_VERSION_MAJOR",
        "NUKE_VERSION_MINOR",
        "NUKE_VERSION_STRING",
        "_nodes",
        "_nukex",
        "_plugin_path",
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
