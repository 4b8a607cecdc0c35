"""What comes into a comp: Reads to be pointed at files, and the hint in the plate's alpha."""

from collections.abc import Mapping

from export.nuke.scripts.script import Grid, Literal, Node

HINT_TO_ALPHA = "HintToAlpha"


def read(name: str, at: Grid, knobs: Mapping[str, str] | None = None) -> Node:
    """A Read of an EXR sequence."""
    frames = {"first": "1001", "last": "1100", "origfirst": "1001", "origlast": "1100"}
    file = {"file_type": "exr", "file": f"{name}.####.exr"}
    return Node("Read", f"Read_{name}", knobs={**file, **frames, **(knobs or {})}, at=at)


def hint_to_alpha(plate: str, hint: str, at: Grid) -> Node:
    """Colour of the plate, alpha of the hint."""
    return Node(
        "Shuffle2",
        HINT_TO_ALPHA,
        (plate, hint),
        {
            "fromInput1": Literal("{{0} B A}"),
            "fromInput2": Literal("{{1} B A}"),
            "in2": "alpha",
            "mappings": "4 rgba.red 0 0 rgba.red 0 0 rgba.green 0 1 rgba.green 0 1 "
            "rgba.blue 0 2 rgba.blue 0 2 rgba.alpha 1 0 rgba.alpha 0 3",
        },
        at=at,
    )
