"""Keys real frames with a CorridorKey.pt and no Nuke, to see what it makes of a shot."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from export.common import command_line
from export.common.digests import digest
from export.pictures.frame_sequence import FrameSequence, SequenceError, frame_sequence
from export.pictures.keyer import Keyed, Keyer, ModelError
from export.pictures.picture_files import Picture, PictureError, read_picture
from export.preview.hint import HintChannel, HintError, hint_for, usual_channel
from export.preview.keyed_files import is_written, read_settings, write_key
from wrapper.knobs import KNOBS, Knob, KnobKind

_BUILT = Path(__file__).absolute().parents[1] / "CorridorKey.pt"
"""The file that `//export:preview` is built with, in its runfiles."""

_OPTIONS = [knob for knob in KNOBS if knob.name != "output_mode"]  # written are layers of each


class _Frames(click.ParamType):
    """Text that `frame_sequence` reads."""

    name = "FRAMES"

    def convert(self, value: Any, *_: object) -> FrameSequence:
        try:
            return frame_sequence(value)
        except SequenceError as error:
            raise click.BadParameter(f"{error}.") from None


def _knob_option(command: Callable[..., Any], knob: Knob) -> Callable[..., Any]:
    """Adds the option for a knob, from its line in the table."""
    by_file = knob.name == "gamma_input"
    return click.option(
        f"--{knob.name.replace('_', '-')}",
        type=click.Choice(knob.labels, case_sensitive=False)
        if knob.kind is KnobKind.ENUMERATION
        else click.FloatRange(knob.minimum, knob.maximum),
        default=None
        if by_file
        else knob.labels[int(knob.default)]
        if knob.labels
        else knob.default,
        show_default="Linear for EXR and TIFF in floats, else sRGB" if by_file else True,
        help=knob.tooltip,
    )(command)


def _knob_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for knob in reversed(_OPTIONS):
        command = _knob_option(command, knob)
    return command


@click.command()
@click.option(
    "--plate",
    type=_Frames(),
    required=True,
    help='EXR, PNG or TIFF: a still, or "shot.####.exr 1001-1010", in quotes. Steps are written '
    "1001-1010x2, lists 1001-1005,1008; without a range, the frames are those on disk.",
)
@click.option(
    "--hint",
    type=_Frames(),
    help="The coarse hint, likewise; a still serves all frames.  [default: the plate's alpha]",
)
@click.option(
    "--hint-channel",
    type=click.Choice(get_args(HintChannel)),
    help="Where the hint is in its file.  [default: alpha if there is one, else luminance]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the results, an EXR and a PNG for each frame.",
)
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_BUILT if _BUILT.exists() else None,
    required=not _BUILT.exists(),
    help="The CorridorKey.pt.  [default of //export:preview: //export:corridorkey_pt]",
)
@click.option(
    "--device",
    default="cuda" if torch.cuda.is_available() else "cpu",
    show_default=True,
    help="Where the network runs, as torch names it.",
)
@click.option("--overwrite", is_flag=True, help="Key again what is there already.")
@_knob_options
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
    """Keys frames. What is there already is skipped, so the same command goes on after a stop.

    The EXR has the premultiplied foreground in rgba, the straight one in the layer FG and the matte
    in the layer matte, all in linear light. The PNG shows the frame over a checkerboard.
    """
    frames = [None] if plate.frames is None else list(plate.frames)
    if hint and hint.frames is not None and not set(frames) & set(hint.frames):
        raise click.UsageError(
            f"The hint has the frames {hint.frames}, and the plate {plate.frames or 'is a still'}."
        )
    if output.resolve() in {Path(s.file).resolve().parent for s in (plate, hint) if s}:
        raise click.UsageError("The results have the names of the plates: give another --output.")
    try:
        keyer = Keyer(model, device)
    except ModelError as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"{model}: {keyer.model_id}, on {device}"
        + (". Its weights are the stand-in, which keys nothing." if keyer.untrained else "")
    )

    settings = {
        "model": digest(model)["sha256"],
        "plate": Path(plate.file).name,
        "hint": hint and Path(hint.file).name,
        "hint_channel": hint_channel,
        **options,
    }
    results = {frame: output / plate.path(frame).with_suffix(".exr").name for frame in frames}
    if not overwrite:
        for result in results.values():
            _refuse_other(result, settings)
        results = {frame: result for frame, result in results.items() if not is_written(result)}
    skipped = len(frames) - len(results)
    knobs = {
        knob.name: knob.labels.index(value) if isinstance(value, str) else value
        for knob in _OPTIONS
        if (value := options[knob.name]) is not None
    }

    failed: list[str] = []
    told = set()
    console = Console(stderr=True)
    with Progress(
        TextColumn("Key"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=3600.0,  # a frame may take minutes
    ) as progress:
        for frame, result in progress.track(results.items()):
            name = plate.path(frame).name
            start = time.perf_counter()
            try:
                picture, keyed, how = _key_frame(
                    keyer,
                    plate.path(frame),
                    hint.path(frame) if hint else None,
                    hint_channel,
                    knobs,
                )
                output.mkdir(parents=True, exist_ok=True)
                write_key(result, keyed, picture, json.dumps(settings))
            except (HintError, OSError, PictureError, RuntimeError, SequenceError) as error:
                reason = str(error).splitlines()[0]
                click.echo(f"{name}: failed, {reason}", err=True)
                failed.append(name)
                continue
            if how not in told:
                click.echo(how)
                told.add(how)
            click.echo(f"{name}: {time.perf_counter() - start:.1f} s")
    click.echo(
        f"{len(results) - len(failed)} keyed, {skipped} skipped because they were there, "
        f"{len(failed)} failed"
    )
    if failed:
        raise click.ClickException(
            f"{len(failed)} of {len(frames)} frames failed, as said above: {', '.join(failed)}. "
            "Mend them and give the same command again; it keys what is missing."
        )


def _refuse_other(result: Path, settings: dict[str, Any]) -> None:
    """Stops where a result is there that these settings would not give."""
    if not result.exists():
        return
    made = json.loads(read_settings(result) or "{}")
    other = [name for name, value in settings.items() if made.get(name) != value]
    if other:
        raise click.ClickException(
            f"{result} is there already, made with another {', '.join(other)}; "
            "give another --output, or --overwrite."
        )


def _key_frame(
    keyer: Keyer,
    plate_file: Path,
    hint_file: Path | None,
    channel: HintChannel | None,
    knobs: dict[str, float],
) -> tuple[Picture, Keyed, str]:
    """Keys a frame; gives the plate, its key, and in words what its files were taken for."""
    plate = read_picture(plate_file)
    source = read_picture(hint_file) if hint_file else plate
    if plate.rgb is None:
        raise PictureError(f"{plate_file} has no colour, only an alpha")
    try:
        channel = channel or usual_channel(source)
        if channel != "alpha" and not hint_file:
            raise HintError("the plate has no alpha to take it from; give --hint")
        hint = hint_for(plate, source, channel)
    except HintError as error:
        raise HintError(f"{hint_file or plate_file} as a hint: {error}") from None
    knobs = {"gamma_input": int(plate.linear)} | knobs
    keyed = keyer.key(plate.rgb, hint, **knobs)
    encoding = "linear" if knobs["gamma_input"] else "sRGB"
    return plate, keyed, f"Plate taken as {encoding} (--gamma-input), hint from {channel}"


if __name__ == "__main__":
    command_line.run(main)
