"""Prints the lines of weights_pins.tsv for a checkpoint: one per resolution and precision."""

import hashlib
from pathlib import Path

import click

from export.common import command_line
from export.tracing.half_storage import stored_in_half
from export.verify.claims import RESOLUTIONS
from export.verify.weights.tensors import TensorForm, digest_of_all
from wrapper.checkpoint.checkpoint import load_checkpoint


@click.command()
@click.argument("checkpoint", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--resolution",
    "resolutions",
    type=click.Choice([str(resolution) for resolution in RESOLUTIONS]),
    multiple=True,
    help="Resolution to pin; may be repeated.  [default: all]",
)
def main(checkpoint: Path, resolutions: tuple[str, ...]) -> None:
    """Prints pins for CHECKPOINT, a trusted file, to append to weights_pins.tsv.

    The weights are processed as the exporter does it, and digested. No network is run.
    """
    # Only the position embedding depends on the resolution: the others are digested once.
    known: dict[TensorForm, str] = {}
    for resolution in map(int, resolutions or map(str, RESOLUTIONS)):
        single = load_checkpoint(checkpoint, resolution)
        for precision in ("float32", "float16"):
            weights = stored_in_half(single) if precision == "float16" else single
            digests = []
            for name, tensor in weights.state_dict.items():
                form = TensorForm(
                    name, str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape)
                )
                if form not in known:
                    known[form] = hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
                digests.append((form, known[form]))
            fields = (
                single.sha256,
                single.byte_count,
                single.model_id,
                resolution,
                precision,
                digest_of_all(digests),
            )
            click.echo("\t".join(map(str, fields)))


if __name__ == "__main__":
    command_line.run(main)
