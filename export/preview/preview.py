"""Keys frames with a CorridorKey.pt, without Nuke."""

import json
from pathlib import Path
from typing import Any, get_args

import click
import torch

from export.common.command_line import run
from export.common.digests import digest
from export.pictures.frame_sequence import FrameSequence
from export.pictures.keyer import Keyer, ModelError
from export.preview.hint import HintChannel
from export.preview.key_frames import Shot, key_frames
from export.preview.keyed_files import is_written, read_settings
from export.preview.options import Frames, knob_options, knob_values

_BUILT_MODEL = Path(__file__).absolute().parents[1] / "CorridorKey.pt"
"""The model among the runfiles of `//export:preview`."""


@click.command()
@click.option(
    "--plate",
    type=Frames(),
    required=True,
    help='Plate, as EXR, PNG or TIFF: a still, or in quotes "shot.####.exr 1001-1010". A range may '
    "have steps (1001-1010x2) and be a list (1001-1005,1008). Without a range, the frames are "
    "those on disk.",
)
@click.option(
    "--hint",
    type=Frames(),
    help="Coarse hint, in the same form; a still serves every frame.  [default: the plate's alpha]",
)
@click.option(
    "--hint-channel",
    type=click.Choice(get_args(HintChannel)),
    help="Channel of the hint in its file.  [default: alpha if there is one, else luminance]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the results, an EXR and a PNG per frame.",
)
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_BUILT_MODEL if _BUILT_MODEL.exists() else None,
    required=not _BUILT_MODEL.exists(),
    help="The CorridorKey.pt.  [default in //export:preview: //export:corridorkey_pt]",
)
@click.option(
    "--device",
    default="cuda" if torch.cuda.is_available() else "cpu",
    show_default=True,
    help="Device to run the network on, as torch names it.",
)
@click.option("--overwrite", is_flag=True, help="Key frames again that have a result.")
@knob_options
def main(
    plate: FrameSequence,
    hint: FrameSequence | None,
    hint_channel: HintChannel | None,
    output: Path,
    model: Path,
    device: str,
    overwrite: bool,
    **options: str | float | None,
) -> None:
    """Keys frames. Frames that have a result are skipped, so rerunning a command resumes it.

    The EXR has the premultiplied foreground in rgba, the straight foreground in the layer FG and
    the matte in the layer matte, all in linear light. The PNG is the frame over a checkerboard.
    """
    _check_folders(plate, hint, output)
    try:
        keyer = Keyer(model, device)
    except ModelError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{model}: {keyer.model_id}, on {device}"
        + (". Its weights are the untrained stand-in, which cannot key." * keyer.untrained)
    )
    settings = {
        "model": digest(model)["sha256"],
        "plate": Path(plate.file).name,
        "hint": hint and Path(hint.file).name,
        "hint_channel": hint_channel,
        **options,
    }
    frames = [None] if plate.frames is None else list(plate.frames)
    results = {frame: output / plate.path(frame).with_suffix(".exr").name for frame in frames}
    if not overwrite:
        for result in results.values():
            _check_settings(result, settings)
        results = {frame: result for frame, result in results.items() if not is_written(result)}
    shot = Shot(plate, hint, hint_channel, knob_values(options), settings)
    failed = key_frames(keyer, shot, results)
    skipped = len(frames) - len(results)
    click.echo(f"{len(results) - len(failed)} keyed, {skipped} skipped, {len(failed)} failed")
    if failed:
        raise click.ClickException(
            f"{len(failed)} of {len(frames)} frames failed: {', '.join(failed)}. Fix them and run "
            "the same command again; it keys only the missing frames."
        )


def _check_folders(plate: FrameSequence, hint: FrameSequence | None, output: Path) -> None:
    """Checks that plate and hint share frames and that the results do not replace them.

    Raises:
        click.UsageError: They do not share a frame, or `output` is one of their folders.
    """
    frames = {None} if plate.frames is None else set(plate.frames)
    if hint and hint.frames is not None and not frames & set(hint.frames):
        raise click.UsageError(
            f"The hint has frames {hint.frames}; the plate "
            + (f"has {plate.frames}." if plate.frames else "is a still.")
        )
    if output.resolve() in {Path(files.file).resolve().parent for files in (plate, hint) if files}:
        raise click.UsageError(
            "--output is the folder of the plate or hint; results would replace them. Choose "
            "another folder."
        )


def _check_settings(result: Path, settings: dict[str, Any]) -> None:
    """Checks that an existing result was made with these settings.

    Raises:
        click.ClickException: It was made with others, or by another program.
    """
    if not result.exists():
        return
    recorded = json.loads(read_settings(result) or "{}")
    other = [name for name, value in settings.items() if recorded.get(name) != value]
    if other:
        raise click.ClickException(
            f"{result} exists and was made with another {', '.join(other)}. Choose another "
            "--output, or use --overwrite."
        )


if __name__ == "__main__":
    run(main)
