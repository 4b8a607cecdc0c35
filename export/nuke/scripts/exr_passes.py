"""exr_passes.nk: the key, rendered once into a multi-layer EXR.

rgba is premultiplied, FG the straight foreground, matte the matte; all linear.
"""

from collections.abc import Sequence

from export.nuke.model import KIT_NUKE
from export.nuke.scripts import footage, keying
from export.nuke.scripts.script import Node, script
from export.nuke.scripts.user_knobs import serialised, set_by_templates
from wrapper.knobs import Knob

LAYERS = {"FG": ("red", "green", "blue"), "matte": ("alpha",)}


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """The graph."""
    channels = [(layer, channel) for layer, names in LAYERS.items() for channel in names]
    copied = {
        f"{end}{i}": f"{'rgba' if end == 'from' else layer}.{channel}"
        for i, (layer, channel) in enumerate(channels)
        for end in ("from", "to")
    }
    return [
        footage.read("plate", at=(0, 0)),
        footage.read("hint", at=(1, 1), knobs={"raw": "true"}),
        keying.to_srgb("Read_plate", at=(0, 1)),
        footage.hint_to_alpha(keying.TO_SRGB, "Read_hint", at=(0, 2)),
        keying.inference(
            footage.HINT_TO_ALPHA, serialised(knobs, set_by_templates(knobs)), at=(0, 3)
        ),
        keying.to_linear(at=(0, 4)),
        keying.premult(at=(1, 5)),
        Node("Copy", "Layers", (keying.PREMULT, keying.TO_LINEAR), copied, at=(0, 6)),
        Node("Viewer", "Viewer1", ("Layers",), at=(1, 7)),
        Node(
            "Write",
            "Write_key",
            ("Layers",),
            {"channels": "all", "file": "key.####.exr", "file_type": "exr"},
            at=(0, 7),
        ),
    ]


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    return script(nodes(knobs), KIT_NUKE, layers=LAYERS)
