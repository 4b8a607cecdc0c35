"""CorridorKey.gizmo: linear plate and hint in, linear key out."""

from collections.abc import Sequence

from export.nuke.model import KIT_NUKE, NAME
from export.nuke.scripts.keying import (
    INFERENCE,
    PREMULT,
    TO_LINEAR,
    TO_SRGB,
    inference,
    premult,
    to_linear,
    to_srgb,
)
from export.nuke.scripts.script import Literal, Node, UserKnob, expression
from export.nuke.scripts.script import gizmo as gizmo_script
from export.nuke.scripts.user_knobs import SET_BY_TEMPLATES, serialised, set_by_templates, user_knob
from wrapper.knobs import Knob

_OLDEST = int(KIT_NUKE.partition(".")[0])

_HINT_FROM = UserKnob(
    4,
    "hint_from",
    "Hint From",
    "Where in the Hint input the matte is. For red and luminance, have its Read on raw data: else "
    "Nuke takes the picture for sRGB and darkens the matte's edges.",
    entries=("alpha", "red", "luminance"),
    value="alpha",
)
_LINEAR_OUTPUT = UserKnob(
    4,
    "linear_output",
    "Output",
    "Premultiplied goes straight into a Merge. Straight is for grading the foreground first; "
    "premultiply it after that. Both are linear.",
    entries=("premultiplied", "straight"),
    value="premultiplied",
)
_MODEL = (
    UserKnob(20, "model_tab", "Model"),
    UserKnob(
        41,
        "modelFile",
        "Model File",
        f"Found by itself as {NAME}.cat on Nuke's plug-in path. Choose another one here.",
        text=f"{INFERENCE}.modelFile",
    ),
    UserKnob(
        6,
        "useGPUIfAvailable",
        "Use GPU if available",
        "Runs on the GPU where there is one that Nuke can use, else on the CPU.",
        value="true",
    ),
    UserKnob(
        6,
        "halfPrecision",
        "Optimize for Speed and Memory",
        "Half precision. For the GPU: the CPU cannot resize a half-precision picture.",
        value="false",
    ),
)


def user_knobs(knobs: Sequence[Knob]) -> list[UserKnob]:
    """The panel."""
    return [
        UserKnob(20, NAME),
        UserKnob(
            41,
            "in_colorspace",
            "Input Colorspace",
            "How the plate that reaches this node is encoded. A Read makes it linear.",
            text=f"{TO_SRGB}.colorspace_in",
        ),
        _HINT_FROM,
        *(user_knob(knob) for knob in knobs if knob.name not in SET_BY_TEMPLATES),
        _LINEAR_OUTPUT,
        *_MODEL,
    ]


def nodes(knobs: Sequence[Knob]) -> list[Node]:
    """What is inside."""
    followed = {knob.name: f"{{parent.{knob.name}}}" for knob in knobs}
    red_to_alpha = (
        "4 rgba.red 0 0 rgba.red 0 0 rgba.green 0 1 rgba.green 0 1 "
        "rgba.blue 0 2 rgba.blue 0 2 rgba.red 0 0 rgba.alpha 0 3"
    )
    version = {
        "expression": expression(f"$nuke_version >= {_OLDEST}"),
        "message": f"{NAME} needs Nuke {KIT_NUKE.split()[0]} or later",
    }
    return [
        Node("Input", "Plate", at=(0, 0)),
        Node("Input", "Hint", knobs={"number": "1"}, at=(1, 0)),
        Node("Assert", "NukeVersion", ("Plate",), version, at=(0, 1)),
        to_srgb("NukeVersion", at=(0, 2)),
        Node(
            "Shuffle2",
            "RedToAlpha",
            ("Hint",),
            {"fromInput1": Literal("{{0} B}"), "mappings": red_to_alpha},
            at=(2, 1),
        ),
        Node(
            "Expression",
            "LumaToAlpha",
            ("Hint",),
            {"expr3": "0.2126*r + 0.7152*g + 0.0722*b"},
            at=(3, 1),
        ),
        Node(
            "Switch",
            "HintFrom",
            ("Hint", "RedToAlpha", "LumaToAlpha"),
            {"which": expression(f"parent.{_HINT_FROM.name}")},
            at=(1, 2),
        ),
        Node(
            "Copy",
            "HintToAlpha",
            (TO_SRGB, "HintFrom"),
            {"from0": "rgba.alpha", "to0": "rgba.alpha"},
            at=(0, 3),
        ),
        inference(
            "HintToAlpha",
            serialised(knobs, followed | set_by_templates(knobs)),
            at=(0, 4),
            useGPUIfAvailable=expression("parent.useGPUIfAvailable"),
            halfPrecision=expression("parent.halfPrecision"),
        ),
        to_linear(at=(0, 5)),
        premult(at=(1, 6)),
        Node(
            "Switch",
            "LinearOutput",
            (PREMULT, TO_LINEAR),
            {"which": expression(f"parent.{_LINEAR_OUTPUT.name}")},
            at=(0, 7),
        ),
        Node("Output", "Output1", ("LinearOutput",), at=(0, 8)),
    ]


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    return gizmo_script(nodes(knobs), KIT_NUKE, user_knobs(knobs))
