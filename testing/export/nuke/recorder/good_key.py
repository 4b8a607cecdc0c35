"""Stands in for a key that is good: the pixels that smoke_test.py wants to see."""

from typing import Any

from export.nuke.scripts.knob_lines import SET_BY_GIZMO
from wrapper.knobs import KNOBS, Knob

SHOWN = [knob for knob in KNOBS if knob.name not in SET_BY_GIZMO]
"""Knobs of the model that the gizmo shows."""


def default(knob: Knob) -> Any:
    """Returns the default as the node stores it."""
    return knob.labels[int(knob.default)] if knob.labels else knob.default


def good_key(values: dict[str, Any], channel: str, x: float, y: float) -> float:
    """Keys the disc of the plate. Its edge is soft if any knob of the model is moved."""
    distance = ((x - 128) ** 2 + (y - 72) ** 2) ** 0.5
    moved = any(values[knob.name] != default(knob) for knob in SHOWN)
    alpha = 1.0 if distance < 40 else 0.5 * moved if distance < 42 else 0.0
    return alpha if channel == "rgba.alpha" else 0.28 * alpha
