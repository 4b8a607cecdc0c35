"""Keys the frames of a shot one after another; a frame that fails does not stop the others."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from export.pictures.frame_sequence import FrameSequence, SequenceError
from export.pictures.keyer import Keyed, Keyer
from export.pictures.picture_files import Picture, PictureError, read_picture
from export.preview.hint import HintChannel, HintError, hint_for, usual_channel
from export.preview.keyed_files import write_key


@dataclasses.dataclass(frozen=True)
class Shot:
    """The inputs and settings of a run.

    Attributes:
        plate: Frames to key.
        hint: Frames of the hint; None if the hint is the plate's alpha.
        hint_channel: Channel of the hint; None for the usual one.
        knobs: Values of the knobs by name.
        settings: Settings to record in the header of each result.
    """

    plate: FrameSequence
    hint: FrameSequence | None
    hint_channel: HintChannel | None
    knobs: dict[str, float]
    settings: dict[str, Any]


def key_frames(keyer: Keyer, shot: Shot, results: dict[int | None, Path]) -> list[str]:
    """Keys frames and writes their results, with one line of output for each frame.

    Args:
        keyer: The model.
        shot: Inputs and settings.
        results: EXR files to write, by frame.

    Returns:
        Names of the plates that failed.
    """
    failed: list[str] = []
    reported = set()
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
            name = shot.plate.path(frame).name
            start = time.perf_counter()
            try:
                picture, keyed, interpretation = _key_frame(keyer, shot, frame)
                result.parent.mkdir(parents=True, exist_ok=True)
                write_key(result, keyed, picture, json.dumps(shot.settings))
            except (HintError, OSError, PictureError, RuntimeError, SequenceError) as error:
                reason = str(error).splitlines()[0]
                click.echo(f"{name}: failed, {reason}", err=True)
                failed.append(name)
                continue
            if interpretation not in reported:
                click.echo(interpretation)
                reported.add(interpretation)
            click.echo(f"{name}: {time.perf_counter() - start:.1f} s")
    return failed


def _key_frame(keyer: Keyer, shot: Shot, frame: int | None) -> tuple[Picture, Keyed, str]:
    """Keys one frame.

    Returns:
        The plate, its key, and a sentence on how the files were interpreted.

    Raises:
        HintError: The hint cannot be used.
        PictureError: A file cannot be read.
        SequenceError: The hint has no such frame.
    """
    plate_file = shot.plate.path(frame)
    hint_file = shot.hint.path(frame) if shot.hint else None
    plate = read_picture(plate_file)
    source = read_picture(hint_file) if hint_file else plate
    if plate.rgb is None:
        raise PictureError(f"{plate_file} has only an alpha; the plate needs colors")
    try:
        channel = shot.hint_channel or usual_channel(source)
        if channel != "alpha" and not hint_file:
            raise HintError("the plate has no alpha. Give a hint with --hint")
        hint = hint_for(plate, source, channel)
    except HintError as error:
        raise HintError(f"{hint_file or plate_file} as a hint: {error}") from None
    knobs = {"gamma_input": int(plate.linear)} | shot.knobs
    keyed = keyer.key(plate.rgb, hint, **knobs)
    encoding = "linear" if knobs["gamma_input"] else "sRGB"
    return plate, keyed, f"Plate read as {encoding} (--gamma-input), hint from {channel}"
