"""Tests the table of knobs, which artists' saved scripts depend on."""

import os
import subprocess
import sys

import pytest

from wrapper.knobs import KNOBS, Knob, KnobKind


def test_knobs_are_the_published_ones() -> None:
    facts = [(k.name, k.kind, k.default, k.minimum, k.maximum, k.labels) for k in KNOBS]
    assert facts == [
        ("despill_strength", KnobKind.FLOAT, 0.0, 0.0, 10.0, ()),
        ("gamma_input", KnobKind.ENUMERATION, 0, 0, 1, ("sRGB", "Linear")),
        ("refiner_strength", KnobKind.FLOAT, 1.0, 0.0, 1.0, ()),
        ("screen_color", KnobKind.ENUMERATION, 0, 0, 2, ("Trained", "Green", "Blue")),
        ("output_mode", KnobKind.ENUMERATION, 0, 0, 2, ("sRGB", "Linear", "Premultiplied")),
        ("detail", KnobKind.FLOAT, 0.0, 0.0, 1.0, ()),
        ("despill_mode", KnobKind.ENUMERATION, 0, 0, 1, ("Limit", "Preserve")),
        ("highlights", KnobKind.ENUMERATION, 0, 0, 1, ("Clip", "Keep")),
        ("hint_source", KnobKind.ENUMERATION, 0, 0, 1, ("Hint", "Screen")),
        ("despeckle", KnobKind.FLOAT, 0.0, 0.0, 100.0, ()),
    ]


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_numbers_have_the_type_that_torchscript_infers_from_them(knob: Knob) -> None:
    # An int default would compile to an int attribute, which does not accept Nuke's float.
    wanted = float if knob.kind is KnobKind.FLOAT else int
    assert {type(knob.default), type(knob.minimum), type(knob.maximum)} == {wanted}
    assert knob.minimum <= knob.default <= knob.maximum


def test_table_can_be_read_without_torch() -> None:
    code = "import sys, wrapper.knobs; sys.exit('torch' in sys.modules)"
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": path})
