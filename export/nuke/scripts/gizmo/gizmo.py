"""The gizmo: linear plate and hint in, linear key out.

Plate ---> crop ---> sRGB ---+                                        +--> views
Hint ----> fit ----> hint ---+--> Inference --> linear --> matte -----+--> premultiply
Garbage, Core -------^-----------------------------------^                  |
Mask ------------------------------------------------------------------> mask, mix --> out
"""

from collections.abc import Sequence

from export.nuke.cat_files import KIT_NAME
from export.nuke.model import KIT_NUKE, NAME
from export.nuke.scripts.gizmo import color, hint, inputs, matte, missing, model, output
from export.nuke.scripts.knob_lines import SET_BY_GIZMO, user_knob
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob
from export.nuke.scripts.nk_file import gizmo as gizmo_file
from wrapper.knobs import Knob

_NOT_VALUES = frozenset({KnobClass.TAB, KnobClass.TEXT, KnobClass.LINK})


def user_knobs(knobs: Sequence[Knob]) -> list[UserKnob]:
    """Returns the panel."""
    return [
        UserKnob(KnobClass.TAB, KIT_NAME, NAME),
        output.VIEW,
        *color.KNOBS,
        model.QUALITY,
        model.CHOSEN_WEIGHTS,
        *(user_knob(knob) for knob in knobs if knob.name not in SET_BY_GIZMO),
        *hint.KNOBS,
        *matte.KNOBS,
        *output.KNOBS,
        *model.TAB,
    ]


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """Returns the nodes inside."""
    recorded = [knob.name for knob in user_knobs(knobs) if knob.kind not in _NOT_VALUES]
    return [
        *inputs.nodes(),
        *color.before_network(),
        *hint.nodes(),
        *model.nodes(knobs),
        *color.after_network(matte.LAST),
        *matte.nodes(),
        *output.nodes(recorded),
    ]


def text(knobs: Sequence[Knob]) -> str:
    """Returns the content of the file."""
    return gizmo_file(nodes(knobs), KIT_NUKE, user_knobs(knobs), missing.LABEL)
