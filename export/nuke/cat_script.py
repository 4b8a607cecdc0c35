"""create_cat.py: what it says in `in_nuke`, with its settings filled in."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from export.nuke.model import CHANNELS, OLDEST_NUKE, OUTPUT_SCALE
from wrapper.knobs import Knob

_BODY = Path(__file__).parent / "in_nuke" / "create_cat.py"
_PLACE = "SETTINGS: dict[str, Any] = {}\n"


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    before, after = _BODY.read_text().split(_PLACE)
    settings = {
        "channels": ", ".join(CHANNELS),
        "output_scale": OUTPUT_SCALE,
        "oldest_nuke": OLDEST_NUKE,
        "knobs": [dataclasses.asdict(knob) | {"kind": knob.kind.value} for knob in knobs],
    }
    return f"{before}SETTINGS: dict[str, Any] = {json.dumps(settings, indent=4)}\n{after}"
