"""Compares the knobs of a script with the table of knobs."""

from testing.export.nuke.script_reader import ScriptNode
from wrapper.knobs import Knob, KnobKind


def from_table(knob: Knob) -> dict[str, object]:
    """Returns the addUserKnob line that a knob of the table needs."""
    line = {"name": knob.name, "l": knob.label, "t": knob.tooltip}
    if knob.kind is KnobKind.ENUMERATION:
        return line | {"kind": "4", "M": list(knob.labels)}
    return line | {"kind": "7", "R": [f"{knob.minimum:g}", f"{knob.maximum:g}"]}


def default_text(knob: Knob) -> str:
    """Returns the default as Nuke writes it."""
    return knob.labels[int(knob.default)] if knob.labels else f"{knob.default:g}"


def assert_like_table(node: ScriptNode, knobs: list[Knob]) -> None:
    """Asserts that the node has each knob of the table, with its default on a later line."""
    lines = {line["name"]: line for line in node.user_knobs}
    order = list(node.knobs)
    for knob in knobs:
        line = dict(lines[knob.name])
        after = line.pop("after")
        assert line == from_table(knob)
        assert node.knobs[knob.name] == default_text(knob)
        assert order.index(knob.name) >= after
