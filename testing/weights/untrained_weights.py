"""Writes random stand-in weights, which numeric tests compare with golden data.

Each tensor is a pure function of its key and shape (golden/README.md has the formula), the same on
every machine. The weights key nothing, and a checkpoint of them says that it is untrained.
"""

import math
from pathlib import Path

import click
import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from export.common.atomic import replacing
from export.common.command_line import run
from testing.golden import golden_data
from wrapper.model_ids import UNTRAINED_MODEL_ID


def untrained_state_dict(resolution: int) -> dict[str, Tensor]:
    """Returns stand-in weights for a resolution in pixels: float32, batch counters int64."""
    shapes = golden_data.state_dict_shapes(resolution)
    return {key: _tensor(key, shape) for key, shape in shapes.items()}


def write_untrained_checkpoint(resolution: int, output: Path) -> None:
    """Writes the stand-in weights as a safetensors file, whole or not at all."""
    # Only one entry of metadata, because safetensors writes several in random order.
    metadata = {"model_id": UNTRAINED_MODEL_ID}
    with replacing(output) as partial:
        safetensors.torch.save_file(untrained_state_dict(resolution), partial, metadata)


def _tensor(key: str, shape: tuple[int, ...]) -> Tensor:
    leaf = key.rpartition(".")[2]
    if leaf == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    u = golden_data.uniform(key, shape)
    if leaf == "running_mean":
        values = 0.1 * u
    elif leaf == "running_var":
        values = 1 + 0.5 * u
    elif leaf == "pos_embed":
        values = 0.05 * u
    elif leaf == "weight" and len(shape) == 1:
        values = 1 + 0.1 * u
    elif leaf == "bias":
        values = 0.1 * u
    elif key == "refiner.final.weight":
        values = 0.05 * u
    else:
        values = math.sqrt(3 / math.prod(shape[1:])) * u
    return torch.from_numpy(values.astype(np.float32))


@click.command()
@click.option("--resolution", type=int, required=True, help="Side of the image, in pixels.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .safetensors file to write.",
)
def main(resolution: int, output: Path) -> None:
    """Writes a checkpoint of untrained stand-in weights."""
    write_untrained_checkpoint(resolution, output)


if __name__ == "__main__":
    run(main)
