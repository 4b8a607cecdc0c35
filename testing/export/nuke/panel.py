"""Reads panels and expressions, and compares knobs with the table of knobs."""

import re

from testing.export.nuke.reader import script_reader
from testing.export.nuke.reader.script_reader import Script, ScriptNode
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


def panel(gizmo: Script) -> dict[str, dict[str, object]]:
    """Returns the addUserKnob lines by knob name."""
    return {line["name"]: line for line in gizmo.one("Gizmo").user_knobs}


def metadata(gizmo: Script) -> dict[str, str]:
    """Returns the values that the gizmo writes into a frame, by key, before Tcl evaluates them."""
    text = gizmo.one("ModifyMetaData").knobs["metadata"]
    count = int(script_reader.evaluate(f"llength {{{text}}}"))

    def word(item: int, number: int) -> str:
        return script_reader.evaluate(f"lindex {{{text}}} {item} {number}")

    return {word(item, 1): word(item, 2) for item in range(count)}


def expression(node: ScriptNode, knob: str) -> str:
    """Returns the expression of a knob, as Nuke evaluates it."""
    text = node.knobs[knob]
    match = re.fullmatch(r'\{"(.*)"\}', text) or re.fullmatch(r"\{(.*)\}", text)
    assert match, text
    return re.sub(r"\\(.)", r"\1", match[1])


def evaluate(text: str, **values: float | str) -> str:
    """Evaluates an expression with values for `parent.KNOB` and $nuke_version."""
    for name, value in values.items():
        text = text.replace(f"parent.{name}", str(value)).replace(f"${name}", str(value))
    return script_reader.evaluate(f"expr {{{text}}}")
