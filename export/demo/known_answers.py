"""Writes what a CorridorKey.pt makes of a few pixels of one plate, to check a node in Nuke against.

The plate and the hint are written as PNG beside the table. The Nuke kit has all three, and its
smoke_test.py keys the pictures and compares the pixels with the table.
"""

from pathlib import Path
from typing import Any

import click
import numpy as np

from export.common.atomic import replacing
from export.common.command_line import run
from export.common.json_text import to_json
from export.pictures.compositing import Floats
from export.pictures.keyer import Keyer
from export.pictures.picture_writer import write_png
from export.pictures.synthetic_plates import RECIPES, SyntheticPlate, synthetic_plate

PLATE = "hair"
HEIGHT, WIDTH = 360, 640
POINTS = {
    "screen": (40, 40),
    "screen, right": (600, 300),
    "forehead": (320, 130),
    "lips": (320, 235),
    "hair": (320, 75),
    "hair, at the edge": (232, 150),
    "hair, single": (214, 268),
    "jacket": (250, 350),
}
"""Column and row of each pixel, from the upper left."""
TOLERANCE = 0.005
"""How far a value may be off: libtorch's versions add up in different orders."""


def film() -> SyntheticPlate:
    """Films the plate as a PNG of 8 bits holds it."""
    filmed = synthetic_plate(RECIPES[PLATE], HEIGHT, WIDTH)
    return SyntheticPlate(
        _in_8_bits(filmed.plate), filmed.alpha, filmed.foreground, _in_8_bits(filmed.hint)
    )


def known_answers(keyer: Keyer) -> dict[str, Any]:
    """Keys the plate with every knob at its default, and returns the table."""
    filmed = film()
    keyed = keyer.key(filmed.plate, filmed.hint)
    return {
        "model_id": keyer.model_id,
        "plate": PLATE,
        "width": WIDTH,
        "height": HEIGHT,
        "tolerance": TOLERANCE,
        "pixels": [
            {
                "name": name,
                # Nuke counts rows from the bottom.
                "nuke_xy": [x, HEIGHT - 1 - y],
                "plate_srgb": _rounded(filmed.plate[y, x]),
                "hint": _rounded(filmed.hint[y, x]),
                "foreground_srgb": _rounded(keyed.foreground[y, x]),
                "matte": _rounded(keyed.matte[y, x]),
            }
            for name, (x, y) in POINTS.items()
        ],
    }


def _in_8_bits(pixels: Floats) -> Floats:
    return (np.rint(pixels * 255) / 255).astype(np.float32)


def _rounded(values: Floats) -> Any:
    return np.round(values.astype(float), 4).tolist()


@click.command()
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .pt file to key with.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .json file to write.",
)
def main(model: Path, output: Path) -> None:
    """Writes a table of a few pixels before and after keying, and the plate and hint beside it."""
    answers = known_answers(Keyer(model))
    filmed = film()
    for suffix, pixels in (
        ("_plate.png", filmed.plate),
        ("_hint.png", np.repeat(filmed.hint[..., None], 3, 2)),
    ):
        with replacing(output.with_name(output.stem + suffix)) as partial:
            write_png(partial, pixels)
    with replacing(output) as partial:
        partial.write_text(to_json(answers))


if __name__ == "__main__":
    run(main)
