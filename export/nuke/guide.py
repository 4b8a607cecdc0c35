"""guide.html: the page a compositor reads. One file, which asks nothing of any network."""

from collections.abc import Sequence
from pathlib import Path

import jinja2

from export.nuke.diagram import svg
from export.nuke.model import CHANNELS, NAME, OLDEST_NUKE, OUTPUT_SCALE
from export.nuke.scripts import comp_template, exr_passes, gizmo
from export.nuke.scripts.user_knobs import set_by_templates, value
from wrapper.knobs import Knob
from wrapper.model_ids import MODEL_ID

_TEMPLATE = Path(__file__).parent / "guide.html.jinja"


def text(knobs: Sequence[Knob]) -> str:
    """The file."""
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    rows = [
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
        model_id=MODEL_ID,
        channels=", ".join(CHANNELS),
        output_scale=OUTPUT_SCALE,
        oldest={runtime: "{}.{}".format(*version) for runtime, version in OLDEST_NUKE.items()},
        knobs=rows,
        set_by_templates=set_by_templates(knobs),
        gizmo=svg(gizmo.nodes(knobs), f"What is inside {NAME}.gizmo"),
        comp=svg(comp_template.nodes(knobs), "The graph of comp_template.nk"),
        passes=svg(exr_passes.nodes(knobs), "The graph of exr_passes.nk"),
        layers=exr_passes.LAYERS,
    )
