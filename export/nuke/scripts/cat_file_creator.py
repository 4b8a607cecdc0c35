"""CatFileCreator.nk: a CatFileCreator with every field filled in.

The paths hold where the file is opened from the kit's folder. Where it is pasted, the menu command
of `in_nuke/corridorkey_v1_nuke.py` sets them.
"""

from collections.abc import Sequence

from export.nuke.cat_files import KIT_NAME, LIBTORCHES, QUALITIES, WEIGHTS, cat_name
from export.nuke.model import CHANNELS, KIT_NUKE, NAME, OUTPUT_SCALE
from export.nuke.scripts.knob_lines import user_knob
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob, script
from wrapper.knobs import Knob
from wrapper.model_ids import MODEL_ID

_MAIN_LIBTORCH = LIBTORCHES[-1]


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """Returns the node."""
    here = "[file dirname [value root.name]]"
    cat = cat_name(WEIGHTS[MODEL_ID], QUALITIES[0], str(_MAIN_LIBTORCH.number))
    return [
        Node(
            "CatFileCreator",
            "CatFileCreator1",
            knobs={
                "torchScriptFile": f"{here}/../{NAME}.pt",
                "catFile": f"{here}/Cattery/{KIT_NAME}/{cat}",
                "channelsIn": ", ".join(CHANNELS),
                "channelsOut": ", ".join(CHANNELS),
                "modelId": MODEL_ID,
                "outputScale": str(OUTPUT_SCALE),
            },
            user_knobs=(UserKnob(KnobClass.TAB, "User", NAME), *map(user_knob, knobs)),
        )
    ]


def text(knobs: Sequence[Knob]) -> str:
    """Returns the content of the file."""
    return script(nodes(knobs), KIT_NUKE, layers={})
