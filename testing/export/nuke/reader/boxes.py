"""Follows formats and bounding boxes through a graph, as far as the kit's nodes change them.

    Crop (crop false)           the box becomes the format
    BlackOutside                the box grows by one black pixel
    Reformat (to box, distort)  format and box are scaled
    Copy, ChannelMerge, Keymix, Merge2 with bbox B: format and box of B, which is input 0

Any other node passes on what its first input has.
"""

import dataclasses
import re
from collections.abc import Mapping

from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script, ScriptNode

ROOT_FORMAT = (2048, 1556)
MERGES = frozenset({"ChannelMerge", "Copy", "Keymix", "Merge2"})
"""Classes whose input 0 is B and whose input 1 is A."""


@dataclasses.dataclass(frozen=True)
class Extent:
    """Format and bounding box of a picture.

    Attributes:
        size: Width and height of the format.
        box: Left, bottom, right and top.
    """

    size: tuple[int, int]
    box: tuple[float, float, float, float]

    @classmethod
    def whole(cls, width: int, height: int) -> "Extent":
        """Returns a picture whose box is its format."""
        return cls((width, height), (0, 0, width, height))

    def grown(self, pixels: float) -> "Extent":
        """Returns the picture with a larger box."""
        x, y, r, t = self.box
        return Extent(self.size, (x - pixels, y - pixels, r + pixels, t + pixels))


def extents(
    script: Script,
    inputs: Mapping[str, Extent],
    knobs: Mapping[str, int] | None = None,
    model: bool = True,
) -> dict[str, Extent]:
    """Returns the extent of every node of the gizmo.

    Args:
        script: The gizmo.
        inputs: Extents of the connected inputs by name.
        knobs: Values of the gizmo's knobs that Switches follow; the others are 0.
        model: The .cat exists.
    """
    numbers = {
        node.name: int(node.knobs.get("number", "0"))
        for node in script.nodes.values()
        if node.kind == "Input"
    }
    connected = {number for name, number in numbers.items() if name in inputs}
    known: dict[str, Extent] = {}

    def extent(name: str) -> Extent:
        if name not in known:
            known[name] = _extent(script.nodes[name])
        return known[name]

    def _extent(node: ScriptNode) -> Extent:
        if node.kind == "Input":
            return inputs.get(node.name, Extent.whole(*ROOT_FORMAT))
        if node.kind == "Switch":
            return extent(node.inputs[_which(node, knobs or {}, connected, model)])
        above = [extent(name) for name in node.inputs]
        if node.kind == "Crop":
            return Extent.whole(*above[0].size)
        if node.kind == "BlackOutside":
            return above[0].grown(1)
        if node.kind == "Reformat":
            return _scaled(above[0], extent("FormatBox").size)
        if node.kind in MERGES and node.knobs.get("bbox") != "B":
            x, y, r, t = zip(*(picture.box for picture in above), strict=True)
            return Extent(above[0].size, (min(x), min(y), max(r), max(t)))
        return above[0]

    return {name: extent(name) for name in script.nodes if script.nodes[name].kind != "Gizmo"}


def _scaled(picture: Extent, size: tuple[int, int]) -> Extent:
    across, up = size[0] / picture.size[0], size[1] / picture.size[1]
    x, y, r, t = picture.box
    return Extent(size, (x * across, y * up, r * across, t * up))


def _which(node: ScriptNode, knobs: Mapping[str, int], connected: set[int], model: bool) -> int:
    text = node.knobs["which"].strip("{}").strip('"').replace("\\", "")
    text = text.replace(script_reader.MODEL_EXISTS, str(int(model)))
    if match := re.fullmatch(r"\[exists parent\.input(\d)\]", text):
        return int(int(match[1]) in connected)
    substituted = re.sub(r"parent\.(\w+)", lambda match: str(knobs.get(match[1], 0)), text)
    return int(script_reader.evaluate(f"expr {{{substituted}}}"))
