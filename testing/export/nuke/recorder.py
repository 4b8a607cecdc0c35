"""A `nuke` module that has only the documented names that the kit uses, and records every call.

The functions, the knob classes and their methods are in Foundry's Python reference. CatFileCreator
and its use from Python are in Foundry's .cat File Creation guide and in published scripts
(github.com/pedroCabrera/CatteryNodes).
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke import documented, script_reader
from testing.export.nuke.script_reader import Script

Pixels = Callable[[dict[str, Any], str, float, float], float]
"""Value of a channel at a place, for values of the gizmo's knobs."""


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


class IntegerKnob(Knob):
    """`nuke.Int_Knob`."""

    __slots__ = ()

    def setValue(self, value: int) -> None:  # type: ignore[override] # noqa: N802
        """Sets the number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{self.name} takes an int, not {value!r}")
        self.stored = value


class FormatKnob(Knob):
    """`nuke.Format_Knob`."""

    __slots__ = ()

    def fromScript(self, text: str) -> None:  # noqa: N802
        """Sets the format as a script writes it."""
        if not re.fullmatch(r"\d+ \d+ 0 0 \d+ \d+ 1 \w+", text):
            raise ValueError(text)
        self.stored = text


class ModelFileKnob(Knob):
    """Inference's `modelFile`, whose Tcl is evaluated with the knobs of the gizmo."""

    __slots__ = ("_gizmo", "_plugins", "_text")

    def __init__(self, text: str, gizmo: "Node", plugins: Sequence[str]) -> None:
        super().__init__("modelFile")
        self._text, self._gizmo, self._plugins = text, gizmo, plugins

    def evaluate(self) -> str:
        """Returns the path of the .cat, or nothing."""
        values = {name: knob.stored for name, knob in self._gizmo.knobs.items()}
        return script_reader.text_knob(self._text, values, self._plugins)


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


_NUMBERS = frozenset({"first", "last", "origfirst", "origlast"})
_SWITCHES = frozenset({"create_directories", "raw"})


def plain_node(kind: str, title: str) -> Node:
    """Returns a node with the documented knobs of its class."""
    knobs = []
    for name in sorted(documented.KNOBS[kind]):
        knob = IntegerKnob if name in _NUMBERS else BooleanKnob if name in _SWITCHES else Knob
        knobs.append(knob(name))
    return Node(kind, title, knobs)


class GizmoNode(Node):
    """The gizmo, with the knobs of its own file."""

    __slots__ = ("_pixels", "inference")

    def __init__(self, script: Script, plugins: Sequence[str], gpu: str, pixels: Pixels) -> None:
        gizmo, inference = script.one("Gizmo"), script.one("Inference")
        knobs: list[Any] = []
        for line in gizmo.user_knobs:
            name, default = line["name"], gizmo.knobs.get(line["name"])
            if line["kind"] == "4":
                knobs.append(EnumerationKnob(name, "", line["M"]))
            elif line["kind"] == "6":
                knobs.append(BooleanKnob(name))
                default = default == "true"  # type: ignore[assignment]
            elif line["kind"] == "7":
                knobs.append(NumberKnob(name))
            elif line["kind"] == "3":
                knobs.append(IntegerKnob(name))
                default = 201  # type: ignore[assignment] # Nuke 15.1, by its expression
            else:
                continue
            knobs[-1].setValue(default)
        super().__init__(KIT_NAME, f"{KIT_NAME}1", knobs)
        gpu_name = Knob("gpuName")
        gpu_name.setValue(gpu)
        model_file = ModelFileKnob(inference.knobs["modelFile"], self, plugins)
        self.inference = Node("Inference", "Inference1", [gpu_name, model_file])
        self._pixels = pixels

    def sample(self, channel: str, x: float, y: float) -> float:
        """Returns the value of the pixel at a place."""
        values = {name: knob.stored for name, knob in self.knobs.items()}
        return self._pixels(values, channel, x, y)


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
