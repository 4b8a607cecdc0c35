"""Keys a synthetic plate with the demo weights, and writes a folder of pictures and a QA page."""

from pathlib import Path

import click
import numpy as np

from export.common.atomic import replacing
from export.common.command_line import run
from export.common.steps import Steps
from export.demo.known_answers import HEIGHT, PLATE, WIDTH, film
from export.pictures.compositing import (
    Floats,
    linear_to_srgb,
    over,
    premultiply,
    srgb_to_linear,
)
from export.pictures.keyer import Keyer
from export.pictures.picture_writer import write_png
from export.qa.qa_report import main as qa_report

FOLDER = Path("corridorkey_demo")
"""Where the pictures go, from the user's working directory."""

_MODEL = Path(__file__).with_name("CorridorKey_demo.pt")
_SKY, _GROUND = (0.08, 0.16, 0.42), (0.75, 0.42, 0.20)
"""Linear light of the new background, at the top and the bottom."""


@click.command()
def main() -> None:
    """Keys a synthetic green-screen plate, and shows the result in ./corridorkey_demo.

    The weights are written by hand, so nothing is downloaded. They show that everything works, not
    how well the published weights key.
    """
    steps = Steps()
    try:
        FOLDER.mkdir(exist_ok=True)
        with steps("Film a plate"):
            filmed = film()
        with steps("Key it"):
            keyed = Keyer(_MODEL).key(filmed.plate, filmed.hint, despill_strength=10.0)
        foreground = premultiply(srgb_to_linear(keyed.foreground), keyed.matte)
        pictures = {
            "1_plate": filmed.plate,
            "2_hint": _gray(filmed.hint),
            "3_matte": _gray(keyed.matte),
            "4_foreground": keyed.foreground,
            "5_composite": linear_to_srgb(over(foreground, keyed.matte, _background())),
        }
        for name, pixels in pictures.items():
            with replacing(FOLDER / f"{name}.png") as partial:
                write_png(partial, pixels)
    except OSError as error:
        raise click.ClickException(str(error)) from None
    options = ["--model", _MODEL, "--plates", PLATE, "--size", WIDTH, "--device", "cpu"]
    qa_report.main([*map(str, options), "--output", str(FOLDER / "qa.html")], standalone_mode=False)
    click.echo(f"Open {FOLDER.resolve() / 'qa.html'}, or look at the pictures beside it.")


def _gray(values: Floats) -> Floats:
    return np.repeat(values[..., None], 3, 2)


def _background() -> Floats:
    """Makes an evening sky [H, W, 3], in linear light."""
    down = np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None, None]
    sky = (1 - down) * np.float32(_SKY) + down * np.float32(_GROUND)
    return np.repeat(sky, WIDTH, 1)


if __name__ == "__main__":
    run(main)
