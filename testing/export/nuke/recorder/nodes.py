"""Nodes with the methods that the kit calls; each has only the knobs that are documented."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from export.nuke.cat_files import KIT_NAME
from testing.export.nuke.reader.script_reader import Script
from testing.export.nuke.recorder import documented
from testing.export.nuke.recorder.knobs import (
    BooleanKnob,
    Button,
    EnumerationKnob,
    IntegerKnob,
    Knob,
    ModelFileKnob,
    NumberKnob,
)

if TYPE_CHECKING:
    from testing.export.nuke.recorder.nuke import Nuke

Pixels = Callable[[dict[str, Any], str, float, float], float]
"""Value of a channel at a place, for values of the gizmo's knobs."""


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
        model_file = ModelFileKnob(inference.knobs["modelFile"], self.knobs, plugins)
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
