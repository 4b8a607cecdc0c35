"""The hint: where it comes from, how it is changed, and the garbage and core mattes."""

from export.nuke.scripts.gizmo import inputs
from export.nuke.scripts.gizmo.model import WEIGHTS_KNOB
from export.nuke.scripts.gizmo.names import HINT, REC709
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob, expression

_FROM = {
    "alpha": inputs.fitted("Hint"),
    "red": "HintRed",
    "luminance": "HintLuminance",
    "screen": "HintScreen",
}
"""The node that gives the hint, by entry of the knob."""

KNOBS = [
    UserKnob(KnobClass.TEXT, "hint_section", "<b>Hint</b>"),
    UserKnob(
        KnobClass.ENUMERATION,
        "hint_from",
        "Hint From",
        "Where the hint comes from: alpha, red or luminance of the Hint input, or screen, which "
        "makes a rough one from the plate, by Screen Color and Weights. For red and luminance set "
        "the hint's Read to raw data; otherwise Nuke takes the picture for sRGB and darkens soft "
        "edges.",
        entries=tuple(_FROM),
        value="alpha",
    ),
    UserKnob(
        KnobClass.CHECKBOX,
        "hint_invert",
        "Invert",
        "For a hint that is white on the screen and black on the subject.",
        value="false",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "hint_grow",
        "Grow",
        "Grows the hint by this many pixels; a negative value shrinks it.",
        span=("-100", "100"),
        value="0",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "hint_blur",
        "Blur",
        "Blurs the hint by this many pixels.",
        span=("0", "100"),
        value="0",
    ),
]


def nodes() -> list[Node]:
    """Returns the nodes from the fitted Hint input to the hint that the network gets."""
    box = inputs.fitted("Hint")
    return [
        Node("Expression", "HintRed", (box,), {"expr3": "r"}, at=(3, 5)),
        Node(
            "Expression",
            "HintLuminance",
            (box,),
            {"expr3": "0.2126*r + 0.7152*g + 0.0722*b"},
            at=(4, 5),
        ),
        _screen_hint(),
        Node(
            "Switch",
            "HintFrom",
            tuple(_FROM.values()),
            {"which": expression("parent.hint_from")},
            at=(2, 6),
        ),
        Node("Clamp", "HintClamp", ("HintFrom",), {"channels": "alpha"}, at=(2, 7)),
        Node(
            "Invert",
            "HintInvert",
            ("HintClamp",),
            {"channels": "alpha", "disable": expression("!parent.hint_invert")},
            at=(2, 8),
        ),
        grow("HintGrow", "HintInvert", "hint_grow", at=(2, 9)),
        blur("HintBlur", "HintGrow", "hint_blur", at=(2, 10)),
        with_matte("HintGarbage", "HintBlur", inputs.GARBAGE, at=(2, 11)),
        with_matte(HINT, "HintGarbage", inputs.CORE, at=(2, 12)),
    ]


def grow(name: str, source: str, knob: str, at: tuple[int, int]) -> Node:
    """Returns an erode on alpha that follows a knob of the gizmo."""
    knobs = {
        "channels": "alpha",
        "size": expression(f"-parent.{knob}"),
        "disable": expression(f"parent.{knob} == 0"),
    }
    return Node("FilterErode", name, (source,), knobs, at=at)


def blur(name: str, source: str, knob: str, at: tuple[int, int]) -> Node:
    """Returns a blur on alpha that follows a knob of the gizmo."""
    knobs = {
        "channels": "alpha",
        "size": expression(f"parent.{knob}"),
        "disable": expression(f"parent.{knob} == 0"),
    }
    return Node("Blur", name, (source,), knobs, at=at)


def with_matte(name: str, source: str, matte: str, at: tuple[int, int]) -> Node:
    """Returns the node that takes the Garbage input out of alpha, or puts the Core input in.

    An input that is not connected is black, which changes nothing in either case.
    """
    operation = {inputs.GARBAGE: "stencil", inputs.CORE: "max"}[matte]
    knobs = {"operation": operation, "bbox": "B"}
    return Node("ChannelMerge", name, (source, inputs.fitted(matte)), knobs, at=at)


def _screen_hint() -> Node:
    """Returns a color-difference keyer: 1 where the screen's color does not stand out.

    The excess of the screen's channel is divided by the channel, so that shadows on the screen
    count as screen. An excess of 10% or less is subject, of 40% or more is screen.
    """
    knobs = {
        "temp_name0": "is_blue",
        # Screen Color is Trained, Green or Blue; Weights are green or blue.
        "temp_expr0": f"parent.screen_color ? parent.screen_color - 1 : parent.{WEIGHTS_KNOB}",
        "temp_name1": "screened",
        "temp_expr1": "is_blue ? b : g",
        "temp_name2": "excess",
        "temp_expr2": "screened - max(r, is_blue ? g : b)",
        "expr3": "1 - smoothstep(0.1, 0.4, excess / max(screened, 0.001))",
    }
    return Node("Expression", "HintScreen", (REC709,), knobs, at=(1, 5))
