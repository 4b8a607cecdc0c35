"""comp_template.nk: plate, hint and background to a comp."""

from export.nuke.model import KIT_NUKE
from export.nuke.scripts import footage
from export.nuke.scripts.nk_file import Node, script


def nodes() -> list[Node]:
    """Returns the graph."""
    over = {"operation": "over", "bbox": "B"}
    return [
        footage.read("plate", at=(0, 0)),
        footage.read_hint(at=(1, 0)),
        footage.read("background", at=(2, 0)),
        footage.key(at=(0, 1)),
        Node("Merge2", "Over", ("Read_background", footage.KEY), over, at=(2, 2)),
        Node("Viewer", "Viewer1", ("Over",), at=(1, 3)),
        footage.write("comp", "Over", at=(2, 3), channels="rgba"),
    ]


def text() -> str:
    """Returns the content of the file."""
    return script(nodes(), KIT_NUKE, layers={})
