"""comp_template.nk: plate, hint and background → a comp."""

from collections.abc import Sequence

from export.nuke.model import KIT_NUKE
from export.nuke.scripts import footage, keying
from export.nuke.scripts.script import Node, script
from export.nuke.scripts.user_knobs import serialised, set_by_templates
from wrapper.knobs import Knob


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """The graph."""
    return [
        footage.read("plate", at=(0, 0)),
        footage.read("hint", at=(1, 1), knobs={"raw": "true"}),
        footage.read("background", at=(2, 0)),
        keying.to_srgb("Read_plate", at=(0, 1)),
        footage.hint_to_alpha(keying.TO_SRGB, "Read_hint", at=(0, 2)),
        keying.inference(
            footage.HINT_TO_ALPHA, serialised(knobs, set_by_templates(knobs)), at=(0, 3)
        ),
        keying.to_linear(at=(0, 4)),
        keying.premult(at=(0, 5)),
        Node(
            "Merge2", "Over", ("Read_background", keying.PREMULT), {"operation": "over"}, at=(2, 6)
        ),
        Node("Viewer", "Viewer1", ("Over",), at=(1, 7)),
        Node(
            "Write",
            "Write_comp",
            ("Over",),
            {"channels": "rgba", "file": "comp.####.exr", "file_type": "exr"},
            at=(2, 7),
        ),
    ]


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    return script(nodes(knobs), KIT_NUKE, layers={})
