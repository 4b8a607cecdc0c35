"""The nodes that both templates share: Reads and Writes of EXR files, and the gizmo."""

from collections.abc import Mapping

from export.nuke.cat_files import KIT_NAME
from export.nuke.scripts.nk_file import Grid, Node

KEY = "Key"


def read(name: str, at: Grid, knobs: Mapping[str, str] | None = None) -> Node:
    """Returns a Read of an EXR sequence."""
    frames = {"first": "1001", "last": "1100", "origfirst": "1001", "origlast": "1100"}
    file = {"file_type": "exr", "file": f"{name}.####.exr"}
    return Node("Read", f"Read_{name}", knobs={**file, **frames, **(knobs or {})}, at=at)


def read_hint(at: Grid) -> Node:
    """Returns the Read of the hint, on raw data: in a matte 0.5 means half."""
    return read("hint", at, {"raw": "true"})


def key(at: Grid, **knobs: str) -> Node:
    """Returns the gizmo, fed by the Reads of the plate and the hint."""
    return Node(KIT_NAME, KEY, ("Read_plate", "Read_hint"), knobs, at=at)


def write(name: str, source: str, at: Grid, channels: str) -> Node:
    """Returns a Write of an EXR sequence that keeps the metadata, which say what keyed it."""
    knobs = {
        "channels": channels,
        "file": f"{name}/{name}.####.exr",
        "file_type": "exr",
        "metadata": "all metadata",
        "create_directories": "true",
    }
    return Node("Write", f"Write_{name}", (source,), knobs, at=at)
