"""The picture that comes out while the .cat is missing: stripes that name the file.

    picture ------------------------+
    plate --> stripes --> text -----+--> Switch --> out

A Switch asks only the input that it chooses, so Inference does not run and the render goes on. The
stripes show even where Nuke finds no font for the text. They are in alpha too, or a Premult would
erase them and a matte alone would look like an empty key.
"""

from export.nuke.scripts.gizmo.model import MISSING, MODEL_EXISTS
from export.nuke.scripts.gizmo.names import FRAME
from export.nuke.scripts.nk_file import Literal, Node, expression

_TEXT = "MissingText"
LABEL = f"[value {_TEXT}.label]"
"""Tcl for the label of the gizmo in the node graph: the message, or nothing.

The node inside decides, where "Inference1" cannot be a node of the artist's own script.
"""


def nodes(picture: str, wanted: str) -> list[Node]:
    """Returns the nodes after the view.

    Args:
        picture: Name of the node that gives the view.
        wanted: Expression that is true for a view that needs the .cat.
    """
    stripes = {
        "temp_name0": "stripe",
        "temp_expr0": "floor((x + y) / 32) % 2 == 0",
        "expr0": "0.3 * stripe",
        "expr1": "0",
        "expr2": "0",
        "expr3": "stripe",
    }
    text = {
        "label": f"[expr {{{MODEL_EXISTS} ? {{}} : [value this.message]}}]",
        "message": MISSING,
        "output": "rgba",
        "box": Literal("{0 0 {input.width} {input.height}}"),
        "xjustify": "center",
        "yjustify": "center",
        # Of a font of 100 pixels; the message becomes about two thirds as wide as the plate.
        "global_font_scale": expression("input.width / 4000"),
    }
    shown = f"{MODEL_EXISTS} == 0 && parent.missing_model == 0 && {wanted}"
    return [
        Node("Expression", "MissingStripes", (FRAME,), stripes, at=(7, 28)),
        Node("Text2", _TEXT, ("MissingStripes",), text, at=(7, 29)),
        Node("Switch", "Model", (picture, _TEXT), {"which": expression(shown)}, at=(0, 30)),
    ]
