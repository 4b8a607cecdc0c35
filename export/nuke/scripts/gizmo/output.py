"""Makes the output from the straight key: premultiply, mask and mix, views, metadata."""

from collections.abc import Sequence

from export.nuke.cat_files import KIT_NAME
from export.nuke.scripts.gizmo import color, inputs, missing
from export.nuke.scripts.gizmo.model import MODEL_EXISTS
from export.nuke.scripts.gizmo.names import FRAME, HINT, INFERENCE, STRAIGHT
from export.nuke.scripts.nk_file import KnobClass, Literal, Node, UserKnob, expression, word

_VIEWS = {
    "result": "Mixed",
    "matte": "ViewMatte",
    "hint": "ViewHint",
    "foreground": STRAIGHT,
    "source with matte": "ViewSource",
    "over gray": "ViewGray",
    "over checker": "ViewChecker",
}
"""The node that gives each view, by entry of the knob."""

VIEW = UserKnob(
    KnobClass.ENUMERATION,
    "view",
    "View",
    "What comes out. Set it back to result before you render. hint needs no .cat file.",
    entries=tuple(_VIEWS),
    value="result",
)
KNOBS = [
    UserKnob(KnobClass.TEXT, "output_section", "<b>Output</b>"),
    UserKnob(
        KnobClass.ENUMERATION,
        "linear_output",
        "Output",
        "Premultiplied goes straight into a Merge. Straight is for grading the foreground first; "
        "premultiply it after that. Both are linear.",
        entries=("premultiplied", "straight"),
        value="premultiplied",
    ),
    UserKnob(
        KnobClass.FLOAT,
        "mix",
        "Mix",
        "Blends from the plate at 0 to the key at 1. Where the Mask input is black, and outside "
        "of the plate's format, the plate comes out unkeyed.",
        span=("0", "1"),
        value="1",
    ),
]


def nodes(recorded: Sequence[str]) -> list[Node]:
    """Returns the nodes.

    Args:
        recorded: Names of the gizmo's knobs whose values go into the metadata.
    """
    return [
        Node("Premult", "Premult1", (STRAIGHT,), at=(1, 24)),
        Node(
            "Switch",
            "LinearOutput",
            ("Premult1", STRAIGHT),
            {"which": expression("parent.linear_output")},
            at=(0, 25),
        ),
        *_mask_and_mix(),
        *_views(),
        *missing.nodes("View", f"parent.view != {VIEW.entries.index('hint')}"),
        Node("ModifyMetaData", "Provenance", ("Model",), _metadata(recorded), at=(0, 31)),
        Node("Output", "Output1", ("Provenance",), at=(0, 32)),
    ]


def _mask_and_mix() -> list[Node]:
    """Returns the nodes that put the key over the plate where the mask is white.

    Without a mask the whole format is white. Black outside of it keeps the overscan of the plate.
    """
    box = inputs.fitted(inputs.MASK)
    connected = f"[exists parent.input{inputs.number_of(inputs.MASK)}]"
    return [
        *color.source(),
        Node("Expression", "WholeFrame", (FRAME,), {"expr3": "1"}, at=(9, 23)),
        Node(
            "Switch",
            "MaskFrom",
            ("WholeFrame", box),
            {"which": expression(connected)},
            at=(8, 24),
        ),
        Node("BlackOutside", "MaskEdge", ("MaskFrom",), at=(8, 25)),
        Node(
            "Keymix",
            "Mixed",
            (color.SOURCE, "LinearOutput", "MaskEdge"),
            {"channels": "rgba", "mix": expression("parent.mix"), "bbox": "B"},
            at=(0, 26),
        ),
    ]


def _views() -> list[Node]:
    matte = {f"expr{i}": "a" for i in range(3)}
    gray = {f"expr{i}": f"{channel} + 0.18 * (1 - a)" for i, channel in enumerate("rgb")}
    checker = {
        "temp_name0": "checker",
        "temp_expr0": "(floor(x/32)+floor(y/32)) % 2 == 0 ? 0.1 : 0.5",
    } | {f"expr{i}": f"{channel} + checker * (1 - a)" for i, channel in enumerate("rgb")}
    alpha = {"from0": "rgba.alpha", "to0": "rgba.alpha", "bbox": "B"}
    opaque = {"expr3": "1"}
    return [
        Node("Expression", "ViewMatte", (STRAIGHT,), matte, at=(2, 28)),
        Node("Expression", "ViewHint", (HINT,), matte, at=(3, 28)),
        Node("Copy", "ViewSource", (color.SOURCE, STRAIGHT), alpha, at=(-2, 28)),
        Node("Expression", "ViewGray", ("Premult1",), gray | opaque, at=(4, 28)),
        Node("Expression", "ViewChecker", ("Premult1",), checker | opaque, at=(5, 28)),
        Node(
            "Switch",
            "View",
            tuple(_VIEWS.values()),
            {"which": expression("parent.view")},
            at=(0, 29),
        ),
    ]


def _metadata(recorded: Sequence[str]) -> dict[str, str]:
    """Returns the knob of ModifyMetaData that says what keyed the frame."""
    values = {
        "corridorkey/kit": KIT_NAME,
        "corridorkey/keyed": f"[lindex {{no yes}} {MODEL_EXISTS}]",
        "corridorkey/model_file": f"[value {INFERENCE}.modelFile]",
        "corridorkey/model_id": _from_record('"model_id": "(.*?)"'),
        "corridorkey/model_sha256": _from_record('"pt":.*?"sha256": "(.*?)"'),
        "corridorkey/cat_sha256": _from_record('"cat":.*?"sha256": "(.*?)"'),
    } | {f"corridorkey/{name}": f"[value parent.{name}]" for name in recorded}
    items = [f"{{set {key} {word(value)}}}" for key, value in values.items()]
    return {"metadata": Literal("{\n" + "\n".join(f"  {item}" for item in items) + "\n }")}


def _from_record(pattern: str) -> str:
    """Returns Tcl for a value in the .json that create_cat.py wrote beside the .cat.

    Args:
        pattern: Regular expression of Tcl; its group is the value. Without the file or the value
            the Tcl gives "unknown".
    """
    record = f"[file rootname [value {INFERENCE}.modelFile]].json"
    read = f'catch {{set c [open "{record}"]; set t [read $c]; close $c}}'
    return (
        f"[set t {{}}; {read}; lindex [concat [regexp -inline {{{pattern}}} $t] unknown unknown] 1]"
    )
