"""The table of knobs → lines of a Nuke script."""

from collections.abc import Mapping, Sequence

from export.nuke.scripts.script import Literal, UserKnob
from wrapper.knobs import Knob, KnobKind

SET_BY_TEMPLATES = {"gamma_input": 0, "output_mode": 0}
"""Knobs with which Inference converts colours. The templates have Colorspace nodes for that, in
plain sight, so they set these two to sRGB in and straight sRGB out, whatever the defaults, and the
gizmo does not show them: nothing is converted twice, and nothing premultiplied in sRGB."""

_KINDS = {KnobKind.ENUMERATION: 4, KnobKind.FLOAT: 7}


def user_knob(knob: Knob) -> UserKnob:
    """The knob of CatFileCreator or of a gizmo."""
    return UserKnob(
        kind=_KINDS[knob.kind],
        name=knob.name,
        label=knob.label,
        tooltip=knob.tooltip,
        span=None if knob.labels else (f"{knob.minimum:g}", f"{knob.maximum:g}"),
        entries=knob.labels,
        value=value(knob, knob.default),
    )


def value(knob: Knob, number: float | int) -> str:
    """A value as Nuke writes it: an enumeration's by its label."""
    return knob.labels[int(number)] if knob.labels else f"{number:g}"


def serialised(knobs: Sequence[Knob], others: Mapping[str, str]) -> Literal:
    """Inference's `serialiseKnob`: each knob at its default, but for those named in `others`."""
    values = {knob.name: value(knob, knob.default) for knob in knobs} | dict(others)
    return Literal("{" + "".join(f"{name}:{text};" for name, text in values.items()) + "}")


def set_by_templates(knobs: Sequence[Knob]) -> dict[str, str]:
    """The values of those of the knobs that the templates set, as Nuke writes them."""
    return {
        knob.name: value(knob, SET_BY_TEMPLATES[knob.name])
        for knob in knobs
        if knob.name in SET_BY_TEMPLATES
    }
