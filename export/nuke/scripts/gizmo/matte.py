"""Controls of the matte after the network, as ordinary nodes. At its default each is disabled."""

from export.nuke.scripts.gizmo import inputs
from export.nuke.scripts.gizmo.hint import blur, grow, with_matte
from export.nuke.scripts.gizmo.names import LINEAR
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob, expression

LAST = "MatteCore"
"""Name of the node that gives the foreground with the final matte."""

KNOBS = [
    UserKnob(KnobClass.TEXT, "matte_section", "<b>Matte</b>"),
    UserKnob(
        KnobClass.FLOAT,
        "clip_black",
        "Clip Black",
        "Matte values up to this one become 0.",
        span=("0", "1"),
        value="0",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "clip_white",
        "Clip White",
        "Matte values from this one on become 1.",
        span=("0", "1"),
        value="1",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "matte_gamma",
        "Gamma",
        "Above 1 soft edges become more opaque, below 1 more transparent.",
        span=("0.2", "5"),
        value="1",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "matte_grow",
        "Grow",
        "Grows the matte by this many pixels; a negative value shrinks it.",
        span=("-20", "20"),
        value="0",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "matte_blur",
        "Blur",
        "Blurs the matte by this many pixels.",
        span=("0", "20"),
        value="0",
    ),
]


def nodes() -> list[Node]:
    """Returns the nodes; only alpha changes."""
    clip = {
        "channels": "alpha",
        "blackpoint": expression("parent.clip_black"),
        "whitepoint": expression("parent.clip_white"),
        "gamma": expression("parent.matte_gamma"),
        "white_clamp": "true",
        "disable": expression(
            "parent.clip_black == 0 && parent.clip_white == 1 && parent.matte_gamma == 1"
        ),
    }
    return [
        Node("Grade", "MatteClip", (LINEAR,), clip, at=(0, 18)),
        grow("MatteGrow", "MatteClip", "matte_grow", at=(0, 19)),
        blur("MatteBlur", "MatteGrow", "matte_blur", at=(0, 20)),
        with_matte("MatteGarbage", "MatteBlur", inputs.GARBAGE, at=(0, 21)),
        with_matte(LAST, "MatteGarbage", inputs.CORE, at=(0, 22)),
    ]
