"""CatFileCreator.nk: CatFileCreator with every field filled in."""

from collections.abc import Sequence

from export.nuke.model import CHANNELS, KIT_NUKE, NAME, OUTPUT_SCALE
from export.nuke.scripts.script import Node, UserKnob, script
from export.nuke.scripts.user_knobs import user_knob
from wrapper.knobs import Knob
from wrapper.model_ids import MODEL_ID


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """The node."""
    here = "[file dirname [value root.name]]"
    return [
        Node(
            "CatFileCreator",
            "CatFileCreator1",
            knobs={
                "torchScriptFile": f"{here}/../{NAME}.pt",
                "catFile": f"{here}/Cattery/{NAME}/{NAME}.cat",
                "channelsIn": ", ".join(CHANNELS),
                "channelsOut": ", ".join(CHANNELS),
                "modelId": MODEL_ID,
                "outputScale": str(OUTPUT_SCALE),
            },
            user_knobs=(UserKnob(20, "User", NAME), *map(user_knob, knobs)),
        )
    ]


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    return script(nodes(knobs), KIT_NUKE, layers={})
