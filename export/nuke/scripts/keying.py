"""What the templates share: plate and hint → Inference → linear, straight and premultiplied.

Inference sees an sRGB plate and answers with a straight sRGB foreground. A Colorspace node on each
side of it makes that linear in, linear out, and both stand before Premult, because a picture that
is premultiplied in anything but linear light has dark edges.
"""

from export.nuke.model import NAME
from export.nuke.scripts.script import Grid, Literal, Node

TO_SRGB = "ToSRGB"
TO_LINEAR = "ToLinear"
INFERENCE = "Inference1"
PREMULT = "Premult1"


def to_srgb(plate: str, at: Grid) -> Node:
    """Linear → sRGB; its default input is linear."""
    return Node("Colorspace", TO_SRGB, (plate,), {"colorspace_out": "sRGB"}, at=at)


def inference(source: str, values: Literal, at: Grid, **others: str) -> Node:
    """Inference with a .cat that is found wherever it is on Nuke's plug-in path."""
    knobs = {
        "modelFile": f"[lsearch -inline [plugins -all {NAME}.cat] *.cat]",
        "useGPUIfAvailable": "true",
        "halfPrecision": "false",
        "serialiseKnob": values,
    }
    return Node("Inference", INFERENCE, (source,), knobs | others, at=at)


def to_linear(at: Grid) -> Node:
    """SRGB → linear: what comes out is straight."""
    return Node("Colorspace", TO_LINEAR, (INFERENCE,), {"colorspace_in": "sRGB"}, at=at)


def premult(at: Grid) -> Node:
    """Linear and straight → linear and premultiplied."""
    return Node("Premult", PREMULT, (TO_LINEAR,), at=at)
