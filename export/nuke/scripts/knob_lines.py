"""Turns the table of knobs into lines of a Nuke script."""

from collections.abc import Mapping, Sequence

from export.nuke.scripts.nk_file import KnobClass, Literal, UserKnob
from wrapper.knobs import Knob, KnobKind

SET_BY_GIZMO = {"gamma_input": 0, "output_mode": 0, "hint_source": 0}
"""Knobs of Inference that the gizmo does not show, and the values that it sets: sRGB in, straight
sRGB out, the hint from alpha. It has Colorspace and Premult nodes of its own, so no color is
converted twice and none is premultiplied in sRGB; and Hint From, whose hint can be viewed, changed
and masked before the network gets it."""

_CLASSES = {KnobKind.ENUMERATION: KnobClass.ENUMERATION, KnobKind.FLOAT: KnobClass.FLOAT}


def user_knob(knob: Knob) -> UserKnob:
    """Returns the knob of CatFileCreator or of the gizmo."""
    return UserKnob(
        kind=_CLASSES[knob.kind],
        name=knob.name,
        label=knob.label,
        tooltip=knob.tooltip,
        span=None if knob.labels else (f"{knob.minimum:g}", f"{knob.maximum:g}"),
        entries=knob.labels,
        value=value(knob, knob.default),
    )


def value(knob: Knob, number: float | int) -> str:
    """Returns a value as Nuke writes it: the label of an enumeration's entry, or a number."""
    return knob.labels[int(number)] if knob.labels else f"{number:g}"


def serialized(values: Mapping[str, str]) -> Literal:
    """Returns the value of Inference's `serialiseKnob`, which holds the knobs of the model."""
    return Literal("{" + "".join(f"{name}:{text};" for name, text in values.items()) + "}")


def set_by_gizmo(knobs: Sequence[Knob]) -> dict[str, str]:
    """Returns the values that the gizmo sets itself, as Nuke writes them."""
    return {
        knob.name: value(knob, SET_BY_GIZMO[knob.name])
        for knob in knobs
        if knob.name in SET_BY_GIZMO
    }
