"""Working space to sRGB before the network, and back after it, with no OCIO configuration.

    plate --> ToRec709 ----> ToSRGB ---> network ---> ToLinear ---> matte ---> ToWorkingSpace
              ColorMatrix    Colorspace               Colorspace               ColorMatrix
              if ACEScg      unless sRGB              always                   if ACEScg

Premult comes after that: a picture premultiplied in sRGB has dark edges.
"""

from collections.abc import Sequence

from export.nuke.scripts.gizmo.names import FRAME, INFERENCE, LINEAR, PLATE, REC709, SRGB, STRAIGHT
from export.nuke.scripts.nk_file import KnobClass, Literal, Node, UserKnob, expression

_SPACES = ("Rec.709", "ACEScg", "sRGB (display)")
_ACESCG, _DISPLAY = 1, 2

AP1_TO_REC709 = (
    (1.70505, -0.62179, -0.08326),
    (-0.13026, 1.14080, -0.01055),
    (-0.02400, -0.12897, 1.15297),
)
REC709_TO_AP1 = (
    (0.61310, 0.33952, 0.04737),
    (0.07019, 0.91636, 0.01345),
    (0.02062, 0.10957, 0.86981),
)
"""With Bradford adaptation between ACES white and D65."""

SOURCE = "SourceLinear"
"""The plate with its overscan, in the space of the result."""

KNOBS = [
    UserKnob(
        KnobClass.ENUMERATION,
        "working_space",
        "Working Space",
        "Colors of the plate. Rec.709 and ACEScg are linear and the key comes out in the same "
        "space. For sRGB (display) the plate is sRGB encoded, as a PNG read as raw data; the key "
        "comes out in linear Rec.709. For camera log, put a Colorspace node before this one.",
        entries=_SPACES,
        value=_SPACES[0],
    )
]


def before_network() -> list[Node]:
    """Returns the nodes that turn the plate into sRGB."""
    return [
        _matrix(REC709, FRAME, AP1_TO_REC709, at=(0, 5)),
        Node(
            "Colorspace",
            SRGB,
            (REC709,),
            {
                "colorspace_out": "sRGB",
                "disable": expression(f"parent.working_space == {_DISPLAY}"),
            },
            at=(0, 6),
        ),
    ]


def after_network(matte: str) -> list[Node]:
    """Returns the nodes around the matte controls, the last of which is named `matte`."""
    return [
        Node("Colorspace", LINEAR, (INFERENCE,), {"colorspace_in": "sRGB"}, at=(0, 17)),
        _matrix(STRAIGHT, matte, REC709_TO_AP1, at=(0, 23)),
    ]


def source() -> list[Node]:
    """Returns the nodes that give the plate in the space of the result, for mix and views.

    NaN and infinite values become 0: Keymix would carry them into the key, as 0 times them is NaN.
    """
    finite = {
        f"expr{i}": f"isnan({channel}) || isinf({channel}) ? 0 : {channel}"
        for i, channel in enumerate("rgba")
    }
    linear = {
        "colorspace_in": "sRGB",
        "disable": expression(f"parent.working_space != {_DISPLAY}"),
    }
    return [
        Node("Expression", "SourceFinite", (PLATE,), finite, at=(-2, 23)),
        Node("Colorspace", SOURCE, ("SourceFinite",), linear, at=(-2, 24)),
    ]


def _matrix(name: str, plate: str, rows: Sequence[Sequence[float]], at: tuple[int, int]) -> Node:
    matrix = " ".join("{" + " ".join(f"{number:g}" for number in row) + "}" for row in rows)
    disable = expression(f"parent.working_space != {_ACESCG}")
    return Node(
        "ColorMatrix",
        name,
        (plate,),
        {"matrix": Literal("{" + matrix + "}"), "disable": disable},
        at=at,
    )
