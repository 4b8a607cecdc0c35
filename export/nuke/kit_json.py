"""kit.json: the facts that the kit's Python files read while they run in Nuke."""

import dataclasses
from collections.abc import Sequence

from export.common.json_text import to_json
from export.nuke import smoke_plate
from export.nuke.cat_files import KIT_NAME, LIBTORCHES, QUALITIES, WEIGHTS, cat_name
from export.nuke.model import CHANNELS, OUTPUT_SCALE
from export.nuke.scripts.knob_lines import SET_BY_GIZMO
from wrapper.knobs import Knob


def text(knobs: Sequence[Knob]) -> str:
    """Returns the content of the file."""
    return to_json(
        {
            "kit": KIT_NAME,
            "channels": ", ".join(CHANNELS),
            "output_scale": OUTPUT_SCALE,
            "cat_name": cat_name("{weights}", "{quality}", "{number}"),
            "weights": WEIGHTS,
            "libtorches": [dataclasses.asdict(libtorch) for libtorch in LIBTORCHES],
            "set_by_gizmo": sorted(SET_BY_GIZMO),
            "qualities": QUALITIES,
            "smoke_test": smoke_plate.description(),
            "knobs": [dataclasses.asdict(knob) | {"kind": knob.kind.value} for knob in knobs],
        }
    )
