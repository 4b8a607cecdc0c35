"""guide.html: the page for compositors and TDs, one file that loads nothing from a network."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from export.nuke.cat_files import KIT_NAME, LIBTORCHES, QUALITIES, cat_name
from export.nuke.guide.diagram import svg
from export.nuke.guide.memory import MEMORY
from export.nuke.model import CHANNELS, KIT_NUKE, NAME, OUTPUT_SCALE
from export.nuke.scripts import comp_template, exr_passes
from export.nuke.scripts.gizmo import gizmo
from export.nuke.scripts.gizmo.model import MISSING
from export.nuke.scripts.knob_lines import set_by_gizmo, value
from export.nuke.scripts.nk_file import KnobClass, Node, UserKnob
from export.pictures.compositing import srgb_to_linear
from wrapper.knobs import Knob
from wrapper.model_ids import MODEL_ID

_TEMPLATE = Path(__file__).parent / "guide.html.jinja"
_KNOWN_ANSWERS = Path(__file__).parent.parent.parent / "demo" / "known_answers.json"

STAGES = [
    Node("plate", "Plate", at=(0, 0)),
    Node("any size", "Hint", at=(1, 0)),
    Node("Crop", "Crop to format", ("Plate",), at=(0, 1)),
    Node("Reformat, Crop", "Fit to plate", ("Hint",), at=(1, 1)),
    Node("ColorMatrix, Colorspace", "ToSRGB", ("Crop to format",), at=(0, 2)),
    Node("erode, blur, mattes", "Hint controls", ("Fit to plate",), at=(1, 2)),
    Node("Copy", "Hint to alpha", ("ToSRGB", "Hint controls"), at=(0, 3)),
    Node("Inference", "Network", ("Hint to alpha",), at=(0, 4)),
    Node("Colorspace", "ToLinear", ("Network",), at=(0, 5)),
    Node("Grade, erode, blur", "Matte controls", ("ToLinear",), at=(0, 6)),
    Node("Premult", "Premult1", ("Matte controls",), at=(0, 7)),
    Node("Keymix", "Mask and mix", ("Premult1",), at=(0, 8)),
    Node("Switch", "View or message", ("Mask and mix",), at=(0, 9)),
]
"""The gizmo in few steps; the real graph has over 50 nodes."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One knob in the table of the panel."""

    label: str
    tooltip: str
    default: str
    allowed: str


def text(knobs: Sequence[Knob]) -> str:
    """Returns the content of the file."""
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    model_knobs = [
        {
            "name": knob.name,
            "label": knob.label,
            "default": value(knob, knob.default),
            "allowed": ", ".join(knob.labels) or f"{knob.minimum:g} to {knob.maximum:g}",
            "tooltip": knob.tooltip,
        }
        for knob in knobs
    ]
    return environment.from_string(_TEMPLATE.read_text()).render(
        name=NAME,
        kit=KIT_NAME,
        oldest_nuke=KIT_NUKE.split()[0],
        model_id=MODEL_ID,
        channels=", ".join(CHANNELS),
        output_scale=OUTPUT_SCALE,
        libtorches=LIBTORCHES,
        cat_example=cat_name("green", QUALITIES[0], str(LIBTORCHES[1].number)),
        panel=_panel(gizmo.user_knobs(knobs)),
        knobs=model_knobs,
        set_by_gizmo=set_by_gizmo(knobs),
        gizmo=svg(STAGES, f"What is inside {KIT_NAME}.gizmo"),
        comp=svg(comp_template.nodes(), "The graph of comp_template.nk"),
        passes=svg(exr_passes.nodes(), "The graph of exr_passes.nk"),
        layers=exr_passes.LAYERS,
        memory=MEMORY,
        known_answers=_known_answers(),
        missing=MISSING.partition(":")[0],
    )


def _known_answers() -> dict[str, Any]:
    """Returns the table of known answers, with the foreground in linear light, as Nuke shows it."""
    table = json.loads(_KNOWN_ANSWERS.read_text())
    for pixel in table["pixels"]:
        linear = srgb_to_linear(np.array(pixel["foreground_srgb"], np.float32))
        pixel["linear"] = [f"{value:.4f}" for value in linear]
    return table


def _panel(user_knobs: Sequence[UserKnob]) -> list[tuple[str, list[Row]]]:
    """Returns the rows of the gizmo's panel by section."""
    sections: list[tuple[str, list[Row]]] = []
    for knob in user_knobs:
        if knob.kind in (KnobClass.TAB, KnobClass.TEXT):
            label = knob.label.removeprefix("<b>").removesuffix("</b>")
            sections.append((label, []))
        elif not knob.hidden:
            allowed = ", ".join(knob.entries) or (" to ".join(knob.span) if knob.span else "")
            default = {"true": "on", "false": "off"}.get(knob.value or "", knob.value or "")
            sections[-1][1].append(Row(knob.label, knob.tooltip, default, allowed))
    return sections
