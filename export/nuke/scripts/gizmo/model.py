"""Inference and the choice of its .cat by quality, weights and version of Nuke."""

from collections.abc import Sequence

from export.nuke.cat_files import LIBTORCHES, QUALITIES, WEIGHTS, cat_name
from export.nuke.scripts.gizmo.names import HINT, INFERENCE, SRGB
from export.nuke.scripts.knob_lines import serialized, set_by_gizmo
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob, expression
from wrapper.knobs import Knob

WEIGHTS_KNOB = "weights"
"""The knob that chooses the weights, and so the color of the screen that the hint is made of."""

_CAT = cat_name(
    f"[value parent.{WEIGHTS_KNOB}]",
    "[value parent.quality]",
    "[value parent.libtorch]",
)
MODEL_FILE = f"[lsearch -inline [plugins -all {_CAT}] *.cat]"
"""Tcl for the path of the .cat that the knobs ask for; empty if it is not on the plug-in path."""

_PATH = f"[value {INFERENCE}.modelFile]"
MODEL_EXISTS = f"[file exists {_PATH}]"
"""Tcl for 1 if the chosen .cat exists, 0 if it does not or if none is found."""

MISSING = "\n".join(
    [
        "Not keyed. This model file is missing:",
        f'[expr {{[string length {_PATH}] ? {_PATH} : "{_CAT}"}}]',
        "Make it with create_cat.py, choose another",
        "Quality or other Weights, or choose a file",
        "on the Model tab.",
    ]
)
"""Message on the node while its .cat is missing; Tcl in it names the file."""

QUALITY = UserKnob(
    KnobClass.ENUMERATION,
    "quality",
    "Quality",
    "Side of the image that the network sees, in pixels. 2048 is the full quality; smaller ones "
    "are faster and take less memory. 2048_fast is 2048, and on a GPU mostly in half precision. "
    "Each one needs its own .cat file.",
    entries=QUALITIES,
    value=QUALITIES[0],
)

CHOSEN_WEIGHTS = UserKnob(
    KnobClass.ENUMERATION,
    WEIGHTS_KNOB,
    "Weights",
    "Weights for a green or for a blue screen. Each needs its own .cat file.",
    entries=tuple(WEIGHTS.values()),
    value=next(iter(WEIGHTS.values())),
)

TAB = [
    UserKnob(KnobClass.TAB, "model_tab", "Model"),
    UserKnob(
        KnobClass.LINK,
        "modelFile",
        "Model File",
        "The expression finds the .cat on Nuke's plug-in path by Quality, Weights and the "
        "version of Nuke. Choose a file here to use that file in any case.",
        target=f"{INFERENCE}.modelFile",
    ),
    UserKnob(
        KnobClass.ENUMERATION,
        "missing_model",
        "Missing Model",
        "What comes out while the .cat file is missing: red stripes that name the file, in alpha "
        "too, or an error that stops the render.",
        entries=("show a message", "fail the render"),
        value="show a message",
    ),
    UserKnob(
        KnobClass.CHECKBOX,
        "useGPUIfAvailable",
        "Use GPU if available",
        "Runs on the GPU if Nuke can use one, otherwise on the CPU.",
        value="true",
    ),
    UserKnob(
        KnobClass.CHECKBOX,
        "halfPrecision",
        "Optimize for Speed and Memory",
        "Half precision. Only for the GPU: the CPU cannot resize a half-precision picture.",
        value="false",
    ),
    UserKnob(
        KnobClass.INTEGER,
        "libtorch",
        hidden=True,
        value=expression(
            " : ".join(
                [
                    *(
                        "$nuke_version >= {}.{} ? {}".format(*libtorch.oldest, libtorch.number)
                        for libtorch in reversed(LIBTORCHES[1:])
                    ),
                    str(LIBTORCHES[0].number),
                ]
            )
        ),
    ),
]


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """Returns the nodes from plate and hint to Inference."""
    followed = {knob.name: f"{{parent.{knob.name}}}" for knob in knobs} | set_by_gizmo(knobs)
    found = {"expression": expression(MODEL_EXISTS), "message": MISSING}
    return [
        Node(
            "Copy",
            "HintToAlpha",
            (SRGB, HINT),
            {"from0": "rgba.alpha", "to0": "rgba.alpha", "bbox": "B"},
            at=(0, 14),
        ),
        Node("Assert", "CatFile", ("HintToAlpha",), found, at=(0, 15)),
        Node(
            "Inference",
            INFERENCE,
            ("CatFile",),
            {
                "modelFile": MODEL_FILE,
                "useGPUIfAvailable": expression("parent.useGPUIfAvailable"),
                "halfPrecision": expression("parent.halfPrecision"),
                "serialiseKnob": serialized(followed),
            },
            at=(0, 16),
        ),
    ]
