"""The one table of the knobs a compositor sees.

The wrapper's attributes, the CatFileCreator script, the Nuke templates, the manifest and the
README table are all made from `KNOBS`. Imports no torch, so any tool can read it.
"""

import dataclasses
import enum


class KnobKind(enum.Enum):
    """A knob class that CatFileCreator offers; the value is its name there."""

    FLOAT = "Float_Knob"
    ENUMERATION = "Enumeration_Knob"


@dataclasses.dataclass(frozen=True)
class Knob:
    """One knob of the Inference node, driving the wrapper attribute of the same name.

    Attributes:
        name: Attribute of `CorridorKeyNukeWrapper`, and the knob's name in Nuke.
        kind: Knob class in Nuke.
        default: Value of a fresh node; an index into `labels` for an enumeration.
        minimum: Values below act as this one.
        maximum: Values above act as this one.
        label: Text beside the knob in Nuke.
        tooltip: What the knob does, for the compositor.
        labels: Entries of an enumeration, in the order of their values; empty for a float.
    """

    name: str
    kind: KnobKind
    default: float | int
    minimum: float | int
    maximum: float | int
    label: str
    tooltip: str
    labels: tuple[str, ...] = ()


KNOBS = (
    Knob(
        name="despill_strength",
        kind=KnobKind.FLOAT,
        default=0.0,
        minimum=0.0,
        maximum=10.0,
        label="Despill Strength",
        tooltip="Pulls the colour of the screen down towards the mean of the other two, where it "
        "is above it. 0 leaves the foreground as keyed, 10 removes all the excess.",
    ),
    Knob(
        name="gamma_input",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Input Gamma",
        tooltip="How the plate that reaches this node is encoded. A linear plate is converted to "
        "sRGB before keying. It does not change how the foreground comes out.",
        labels=("sRGB", "Linear"),
    ),
    Knob(
        name="refiner_strength",
        kind=KnobKind.FLOAT,
        default=1.0,
        minimum=0.0,
        maximum=1.0,
        label="Refiner Strength",
        tooltip="Blends from the coarse key at 0 to the refined key at 1. "
        "At 0 the refiner is not run, which saves time and memory.",
    ),
    Knob(
        name="screen_color",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Screen Color",
        tooltip="The colour of the screen, which Despill Strength removes from the foreground. "
        "It does not change the key.",
        labels=("Green", "Blue"),
    ),
    Knob(
        name="output_mode",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=2,
        label="Output Mode",
        tooltip="How the foreground comes out. sRGB and Linear are straight, to be premultiplied "
        "in linear light; Premultiplied is linear and multiplied by the matte, ready to merge.",
        labels=("sRGB", "Linear", "Premultiplied"),
    ),
)
