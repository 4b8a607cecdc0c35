"""The gizmo's inputs: all of them with the plate's size and a bounding box of exactly its format.

A bounding box larger than the format (overscan, or a Roto outside of the frame) would change the
picture that the network sees, and an animated one would make the key pulse.
"""

from export.nuke.model import KIT_NUKE, NAME
from export.nuke.scripts.gizmo.names import FRAME, PLATE
from export.nuke.scripts.nk_file import Literal, Node, expression

FORMAT_BOX = Literal("{0 0 {width} {height}}")

GARBAGE, CORE, MASK = "Garbage", "Core", "Mask"
INPUTS = ("Plate", "Hint", GARBAGE, CORE, MASK)
"""Names of the inputs, by number."""

_OLDEST = int(KIT_NUKE.partition(".")[0])


def nodes() -> list[Node]:
    """Returns the inputs, the check of Nuke's version and the nodes that fit each input."""
    version = {
        "expression": expression(f"$nuke_version >= {_OLDEST}"),
        "message": f"{NAME} needs Nuke {KIT_NUKE.split()[0]} or later.",
    }
    return [
        *(
            Node("Input", name, knobs={"number": str(i)} if i else {}, at=(2 * i, 0))
            for i, name in enumerate(INPUTS)
        ),
        Node("Assert", PLATE, ("Plate",), version, at=(0, 1)),
        _format_box(FRAME, PLATE, at=(0, 4)),
        *(node for i, name in enumerate(INPUTS) if i for node in _fitted(name, column=2 * i)),
    ]


def fitted(name: str) -> str:
    """Returns the name of the node that gives an input, fitted to the plate."""
    return f"{name}Box"


def number_of(name: str) -> int:
    """Returns the number of an input."""
    return INPUTS.index(name)


def _fitted(name: str, column: int) -> list[Node]:
    """Returns the nodes that scale an input to the plate's format.

    BlackOutside comes first: beyond a bounding box that is smaller than the frame, Nuke repeats the
    pixels of its edge.
    """
    box = {
        "type": "to box",
        "box_width": expression(f"{FRAME}.width"),
        "box_height": expression(f"{FRAME}.height"),
        "box_fixed": "true",
        "box_pixel_aspect": expression(f"{FRAME}.pixel_aspect"),
        "resize": "distort",
        "disable": expression(f"input.width == {FRAME}.width && input.height == {FRAME}.height"),
    }
    return [
        Node("BlackOutside", f"{name}Outside", (name,), at=(column, 2)),
        Node("Reformat", f"{name}Fit", (f"{name}Outside",), box, at=(column, 3)),
        _format_box(fitted(name), f"{name}Fit", at=(column, 4)),
    ]


def _format_box(name: str, source: str, at: tuple[int, int]) -> Node:
    return Node("Crop", name, (source,), {"box": FORMAT_BOX, "crop": "false"}, at=at)
