"""Keys one plate at several values of a knob and shows what changes."""

import numpy as np

from export.pictures.keyer import Keyer
from export.pictures.synthetic_plates import SyntheticPlate
from export.qa.judged import Judged
from export.qa.matting_errors import matting_errors
from export.qa.qa_page import Picture, Section, data_uri
from wrapper.knobs import COMPANIONS, Knob, KnobKind

_STEPS = 5


def sweep_knob(keyer: Keyer, knob: Knob, plate: SyntheticPlate) -> Judged:
    """Keys a plate over the range of a knob.

    Args:
        keyer: The model.
        knob: The knob. An enumeration is swept over all of its values, a number over five.
        plate: The plate and its truth.
    """
    others = COMPANIONS.get(knob.name, {})
    if knob.kind is KnobKind.ENUMERATION:
        values = {float(value): label for value, label in enumerate(knob.labels)}
    else:
        steps = np.linspace(knob.minimum, knob.maximum, _STEPS).tolist()
        values = {value: f"{value:g}" for value in steps}
    keys = {
        value: keyer.key(plate.plate, plate.hint, **others, **{knob.name: value})
        for value in values
    }
    default = keys.get(knob.default) or keyer.key(plate.plate, plate.hint, **others)
    errors, pictures = {}, []
    for value, label in values.items():
        key = keys[value]
        errors[label] = matting_errors(key.matte, plate.alpha)
        title = f"{label} (default)" if value == knob.default else label
        for part, pixels, unmoved, figure in (
            ("RGB", key.foreground, default.foreground, ""),
            ("alpha", key.matte, default.matte, f"SAD {errors[label].sad:.2f}"),
        ):
            change = float(np.abs(pixels - unmoved).max())
            caption = (
                f"Differs from the default by up to {change:.2g}."
                if change
                else "Equals the default."
            )
            name = f"{part.lower()}-{label.lower()}"
            pictures.append(Picture(name, f"{title}: {part}", caption, data_uri(pixels), figure))
    text = knob.tooltip
    if others:
        text += f" Shown with {', '.join(f'{name} {value:g}' for name, value in others.items())}."
    return Judged(Section(knob.name, knob.label, text, pictures, pairs=True), errors)
