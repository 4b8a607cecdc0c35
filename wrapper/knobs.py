"""The one table of the knobs a compositor sees.

The wrapper's attributes, the CatFileCreator script, the Nuke templates, the manifest and the
README's table are made from `KNOBS`. Imports no torch, so any tool can read it.
"""

import dataclasses
import enum


class KnobKind(enum.Enum):
    """Knob classes of CatFileCreator; the value is the class's name there."""

    FLOAT = "Float_Knob"
    ENUMERATION = "Enumeration_Knob"


@dataclasses.dataclass(frozen=True)
class Knob:
    """One knob of the Inference node. It sets the wrapper attribute of the same name.

    Attributes:
        name: Name of the attribute of `CorridorKeyNukeWrapper` and of the knob in Nuke.
        kind: Knob class in Nuke.
        default: Value of a fresh node; an index into `labels` for an enumeration.
        minimum: Least value; lower ones act as this one.
        maximum: Greatest value; higher ones act as this one.
        label: Text beside the knob in Nuke.
        tooltip: Explanation for the compositor.
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
        tooltip="Lowers the screen color in the foreground where it exceeds the average of the "
        "other two channels. 0 changes nothing; 10 removes all of the excess.",
    ),
    Knob(
        name="gamma_input",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Input Gamma",
        tooltip="Encoding of the plate that reaches this node. A linear plate is converted to "
        "sRGB before keying. Does not change the encoding of the output.",
        labels=("sRGB", "Linear"),
    ),
    Knob(
        name="refiner_strength",
        kind=KnobKind.FLOAT,
        default=1.0,
        minimum=0.0,
        maximum=1.0,
        label="Refiner Strength",
        tooltip="Blends from the coarse key (0) to the refined key (1). "
        "At 0 the refiner does not run, which saves time and memory.",
    ),
    Knob(
        name="screen_color",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=2,
        label="Screen Color",
        tooltip="Color of the screen. Trained is the color that the weights were made for. For the "
        "other color, green and blue are swapped before the network and back after it, so that "
        "green-screen weights key a blue screen. Despill follows.",
        labels=("Trained", "Green", "Blue"),
    ),
    Knob(
        name="output_mode",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=2,
        label="Output Mode",
        tooltip="Encoding of the foreground. sRGB and Linear are straight (unpremultiplied); "
        "premultiply them in linear light. Premultiplied is linear and already multiplied by the "
        "matte, ready to merge.",
        labels=("sRGB", "Linear", "Premultiplied"),
    ),
    Knob(
        name="detail",
        kind=KnobKind.FLOAT,
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        label="Detail",
        tooltip="Gives matte and foreground the detail of a plate that is larger than the image "
        "that the network sees. 0 leaves the key as soft as that image; 1 makes it as sharp as "
        "the plate.",
    ),
    Knob(
        name="despill_mode",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Despill Mode",
        tooltip="Where the removed screen color goes. Limit drops it, which darkens the "
        "foreground. Preserve gives half of it to each of the other two channels, which keeps the "
        "brightness.",
        labels=("Limit", "Preserve"),
    ),
    Knob(
        name="highlights",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Highlights",
        tooltip="What becomes of values above 1. Clip ends the foreground at 1. Keep adds what the "
        "plate has above 1 where the matte is solid.",
        labels=("Clip", "Keep"),
    ),
    Knob(
        name="hint_source",
        kind=KnobKind.ENUMERATION,
        default=0,
        minimum=0,
        maximum=1,
        label="Hint Source",
        tooltip="Where the coarse hint comes from. Hint is the alpha of the input. Screen makes "
        "one from the plate, of what does not have the color of the screen.",
        labels=("Hint", "Screen"),
    ),
    Knob(
        name="despeckle",
        kind=KnobKind.FLOAT,
        default=0.0,
        minimum=0.0,
        maximum=100.0,
        label="Despeckle",
        tooltip="Removes islands of the matte that are smaller than this, in thousandths of the "
        "width of the frame, unless something connects them to the subject. 0 removes nothing.",
    ),
)

COMPANIONS: dict[str, dict[str, float]] = {"despill_mode": {"despill_strength": 10.0}}
"""Values of other knobs, by a knob that changes nothing unless they are set."""
