"""Exports CorridorKey weights as CorridorKey.pt, the TorchScript file for Nuke's CatFileCreator."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any, get_args

import click

from export.artifact import archive
from export.artifact.artifact_manifest import NAME_IN_ARCHIVE, ArtifactManifest
from export.artifact.describe import describe_file, describe_inputs
from export.artifact.operators import GraphError, check_graph
from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Precision, Variant
from export.common import command_line
from export.common.atomic import replacing
from export.common.json_text import to_json
from export.common.steps import Steps
from export.tracing.tracing import eager_wrapper, to_torchscript
from export.tracing.validation import Validation, ValidationError, validate
from wrapper.checkpoint.checkpoint import Checkpoint, CheckpointError, load_checkpoint
from wrapper.model_ids import ModelIdError, check_own_model_id
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

_FILE = click.Path(dir_okay=False, path_type=Path)


def _multiple_of_32(_context: click.Context, _option: click.Parameter, resolution: int) -> int:
    if resolution % 32:
        raise click.BadParameter(f"{resolution} is not a multiple of 32.")
    return resolution


@click.command()
@click.option(
    "--checkpoint",
    "checkpoint_file",
    type=_FILE,
    required=True,
    help="CorridorKey weights to read, .safetensors, .pth or .ckpt; the published ones or others.",
)
@click.option("--output", type=_FILE, required=True, help="The .pt file to write.")
@click.option(
    "--resolution",
    type=click.IntRange(256, 2048),
    callback=_multiple_of_32,
    default=Variant.resolution,
    show_default=True,
    help="Side of the square image that the network sees, in pixels; a multiple of 32. "
    "512 to 2048 for shots, 256 for tests.",
)
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default=Variant.precision,
    show_default=True,
    help="float16 stores the weights in half the size; a float32 plate is keyed in float32 either "
    "way. fast keys it on a GPU mostly in half, in less time.",
)
@click.option(
    "--runtime",
    type=click.Choice(list(RUNTIMES)),
    default=Variant.runtime,
    show_default=True,
    help="Versions of Nuke that load the file: "
    + "; ".join(f"{name} is for {runtime.nuke}" for name, runtime in RUNTIMES.items())
    + ".",
)
@click.option(
    "--model-id",
    help="Model Id for weights of one's own: letters, digits and . _ + -. Weights for "
    "blue screens need a name with blue in it.  [default: CorridorKey_custom_ and the "
    "first eight digits of the file's SHA-256]",
)
@click.option(
    "--validate/--no-validate",
    "validating",
    default=True,
    show_default=True,
    help="Compare the saved file with the eager network, with each knob moved, before it replaces "
    "the output. Four passes through the network: minutes on a CPU at 2048.",
)
@click.option(
    "--report",
    "report_file",
    type=_FILE,
    help="JSON file to write: the manifest, the cost of each step and the validation.",
)
@click.option(
    "--manifest",
    "manifest_file",
    type=_FILE,
    help="JSON file to write: what the file was made from, its digest and its operators.",
)
def main(
    checkpoint_file: Path,
    output: Path,
    resolution: int,
    precision: Precision,
    runtime: str,
    model_id: str | None,
    validating: bool,
    report_file: Path | None,
    manifest_file: Path | None,
) -> None:
    """Exports CorridorKey weights as a TorchScript file for Nuke.

    The same weights and options give the same bytes. Each file appears whole or not at all.
    """
    variant = Variant(resolution, precision, runtime)
    steps = Steps()
    try:
        with contextlib.ExitStack() as stack:
            partial = {
                path: stack.enter_context(replacing(path))
                for path in (output, report_file, manifest_file)
                if path
            }
            with steps("Load the checkpoint"):
                checkpoint = load_checkpoint(checkpoint_file, resolution)
            if model_id is not None:
                check_own_model_id(model_id, checkpoint.model_id)
                checkpoint = dataclasses.replace(checkpoint, model_id=model_id)
            click.echo(_summary(checkpoint_file, checkpoint))
            eager, manifest = _export(checkpoint, variant, partial[output], steps)
            # The file computes in float32, also when it stores its weights in float16.
            validation = validate(partial[output], eager.float(), steps) if validating else None

            if manifest_file:
                partial[manifest_file].write_text(to_json(manifest))
            if report_file:
                report = _report(manifest, checkpoint_file, checkpoint, steps, validation)
                partial[report_file].write_text(to_json(report))
    except (GraphError, ValidationError) as error:
        raise click.ClickException(f"{output} is not written, because {error}.") from None
    except (CheckpointError, ModelIdError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"Wrote {output}: {manifest['model_id']}, {manifest['torchscript']['bytes']:,} bytes, "
        f"SHA-256 {manifest['torchscript']['sha256']}"
    )


def _export(
    checkpoint: Checkpoint, variant: Variant, path: Path, steps: Steps
) -> tuple[CorridorKeyNukeWrapper, ArtifactManifest]:
    """Writes the .pt; returns the eager wrapper that it was traced from, and its manifest.

    Raises:
        GraphError: The file holds an operator or a constant that breaks it in its runtime.
    """
    with steps("Trace the network"):
        eager = eager_wrapper(checkpoint, variant)
        module = to_torchscript(eager)
    with steps("Save the file"):
        inputs = describe_inputs(checkpoint, variant, eager.model_id)
        archive.save(module, path, {NAME_IN_ARCHIVE: to_json(inputs)})
    with steps("Check its operators"):
        check_graph(path, variant.runtime)
        manifest = describe_file(inputs, path)
    return eager, manifest


def _report(
    manifest: ArtifactManifest,
    checkpoint_file: Path,
    checkpoint: Checkpoint,
    steps: Steps,
    validation: Validation | None,
) -> dict[str, Any]:
    """Returns the manifest with what was read, what each step cost, and the validation."""
    return {
        **manifest,
        "checkpoint_file": str(checkpoint_file),
        "tensors": checkpoint.tensor_count,
        "parameters": checkpoint.parameter_count,
        "source_resolution": checkpoint.source_resolution,
        "steps": [dataclasses.asdict(step) for step in steps.done],
        "validation": validation and dataclasses.asdict(validation),
    }


def _summary(file: Path, checkpoint: Checkpoint) -> str:
    """Returns one line about the weights, and one about what was adapted in them, if anything."""
    resized = checkpoint.source_resolution != checkpoint.resolution
    return (
        f"Loaded {file}: {checkpoint.model_id}, {checkpoint.tensor_count} tensors, "
        f"{checkpoint.parameter_count:,} parameters, position embedding "
        + (f"resized from {checkpoint.source_resolution}" if resized else "unchanged")
        + (f"\nAdapted {file}: {'; '.join(checkpoint.changes)}" if checkpoint.changes else "")
    )


if __name__ == "__main__":
    command_line.run(main)
