"""Writes weights by hand that make the network a keyer, so that all of it runs with no download.

The result is a color-difference key. It is crude beside the published weights, but it separates
subject and screen, follows the hint and refines edges. The bytes are the same on every machine.
"""

from pathlib import Path

import click
import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from export.common.atomic import replacing
from export.common.command_line import run
from testing.golden import golden_data
from testing.weights.demo_decoders import decoders
from testing.weights.demo_encoder import encoder
from testing.weights.demo_refiner import refiner
from wrapper.model_ids import DEMO_BLUE_MODEL_ID, DEMO_MODEL_ID

SCREENS = {"green": ("red", "blue"), "blue": ("red", "green")}
"""The two other colors, by the color of the screen."""


def demo_state_dict(resolution: int, screen: str = "green") -> dict[str, Tensor]:
    """Returns the weights for a resolution in pixels: float32, batch counters int64.

    Args:
        resolution: Side of the image, in pixels.
        screen: Color of the screens to key, "green" or "blue".
    """
    shapes = golden_data.state_dict_shapes(resolution)
    others = SCREENS[screen]
    written = encoder(screen, others, shapes) | decoders(screen, others) | refiner(screen, others)
    state_dict = {}
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            state_dict[key] = torch.zeros(shape, dtype=torch.int64)
        else:
            values = written.pop(key, None)
            values = np.zeros(shape) if values is None else values
            state_dict[key] = torch.from_numpy(np.ascontiguousarray(values, np.float32)).view(shape)
    assert not written, f"the network has no {', '.join(written)}"
    return state_dict


def write_demo_checkpoint(resolution: int, screen: str, output: Path) -> None:
    """Writes the weights as a safetensors file, whole or not at all."""
    # Only one entry of metadata, because safetensors writes several in random order.
    metadata = {"model_id": DEMO_BLUE_MODEL_ID if screen == "blue" else DEMO_MODEL_ID}
    with replacing(output) as partial:
        safetensors.torch.save_file(demo_state_dict(resolution, screen), partial, metadata)


@click.command()
@click.option("--resolution", type=int, required=True, help="Side of the image, in pixels.")
@click.option(
    "--screen",
    type=click.Choice(list(SCREENS)),
    default="green",
    show_default=True,
    help="Color of the screens to key.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .safetensors file to write.",
)
def main(resolution: int, screen: str, output: Path) -> None:
    """Writes a checkpoint of demo weights."""
    write_demo_checkpoint(resolution, screen, output)


if __name__ == "__main__":
    run(main)
