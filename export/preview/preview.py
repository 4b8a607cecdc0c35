"""Keys frames with a CorridorKey.pt, without Nuke."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import click
import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from export.common.command_line import run
from export.common.digests import digest
from export.common.printable import printable
from export.pictures.keyer import Keyer, ModelError
from export.pictures.layers import HintChannel
from export.pictures.movies.movie_writer import MovieWriteError
from export.preview.frame_reader import FrameReader
from export.preview.key_frames import Clock, key_frames
from export.preview.options import Chunk, Frames, Review, knob_options, knob_values
from export.preview.plan import PlanError, plan, writable_folder
from export.preview.review import write_review
from export.preview.shot import Shot, ShotError
from export.preview.summary import Summary

_BUILT_MODEL = Path(__file__).absolute().parents[1] / "CorridorKey.pt"
"""The model among the runfiles of `//export:preview`."""


@click.command()
@click.option(
    "--plate",
    type=Frames(),
    required=True,
    help="Plate (EXR, PNG, TIFF, JPEG, DPX, QuickTime, MP4): a still, or in quotes "
    '"shot.####.exr 1001-1010" or "shot.mov 1-100". A '
    "range may have steps (1001-1010x2) and be a list (1001-1005,1008). Without a range, the "
    "frames are those on disk.",
)
@click.option(
    "--hint",
    type=Frames(),
    help="Coarse hint, in the same form; a still serves every frame. Not needed with --hint-source "
    "screen.  [default: the plate's alpha]",
)
@click.option(
    "--hint-channel",
    type=click.Choice(get_args(HintChannel)),
    help="Channel of the hint in its layer, for all frames.  [default: alpha if there is one, else "
    "the only channel, else luminance]",
)
@click.option("--plate-layer", help="Layer or part of the plate, if a file has several.")
@click.option("--hint-layer", help="Layer, part or channel of the hint, such as matte or matte.A.")
@click.option("--view", help="View of stereo files, such as left.")
@click.option(
    "--overscan",
    is_flag=True,
    help="Key the pixels outside the frame too. All frames then have one data window, which "
    "contains those of all plates.",
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
@click.option("--overwrite", is_flag=True, help="Key every frame, and replace any results.")
@click.option(
    "--chunk",
    type=Chunk(),
    default="1/1",
    help="Key only the K-th of N equal parts of the frames, for a render farm.",
)
@click.option(
    "--movie",
    "movie_file",
    type=Review(),
    help="Write a review movie of the frames over the checkerboard, .mp4 (H.264).",
)
@click.option(
    "--frame-rate",
    type=click.FloatRange(1, 1000),
    help="Frames per second of the review movie.  [default: the plate's, else 24]",
)
@click.option(
    "--summary",
    "summary_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a summary of the run to this .json file.",
)
@knob_options
def main(
    output: Path,
    model: Path,
    device: str,
    overwrite: bool,
    chunk: tuple[int, int],
    movie_file: Path | None,
    frame_rate: float | None,
    summary_file: Path | None,
    **options: Any,
) -> None:
    """Keys frames. A frame is skipped if its result was made from the same files and settings.

    The EXR has the premultiplied foreground in rgba, the straight foreground in the layer FG and
    the matte in the layer matte, all in linear light, with the plate's primaries and header. The
    PNG is the frame over a checkerboard.
    """
    names = ("plate", "hint", "plate_layer", "hint_layer", "hint_channel", "view", "overscan")
    shot = Shot(**{name: options.pop(name) for name in names})
    values = knob_values(options)
    screen = values["hint_source"] > 0
    _check_folders(shot, output, movie_file)
    if screen and (shot.hint or shot.hint_layer or shot.hint_channel):
        raise click.UsageError(
            "With --hint-source screen no hint is read. Leave out --hint, --hint-layer and "
            "--hint-channel, or --hint-source."
        )
    start, clock = time.perf_counter(), Clock()
    try:
        keyer = Keyer(model, device)
        click.echo(
            f"{printable(str(model))}: {printable(keyer.model_id)}, on {device}"
            + (". Its weights are the untrained stand-in, which cannot key." * keyer.untrained)
        )
        settings = {"model": digest(model)["sha256"], **options}
        hint = None if screen else shot.decide_hint()
        click.echo(f"Hint from {hint or 'the screen'}")
        reader = FrameReader(shot, hint, values, settings, shot.overscan_box())
        frames = shot.frames()
        number, count = chunk
        frames = frames[len(frames) * (number - 1) // count : len(frames) * number // count]
        # A folder that cannot be written is found here, before the work.
        others = [file.parent for file in (summary_file, movie_file) if file]
        with contextlib.ExitStack() as stack:
            for folder in (output, *others):
                stack.enter_context(writable_folder(folder))
            summary = Summary(plan(reader, frames, output, overwrite))
            with _progress(len(summary.plan.jobs)) as advance:
                for outcome in key_frames(keyer, reader, summary.plan.jobs, clock):
                    summary.add(outcome)
                    advance()
            if movie_file and not summary.failed:
                results = [output / shot.plate.result_name(frame) for frame in frames]
                write_review(movie_file, results, frame_rate)
            seconds = time.perf_counter() - start
            summary.echo(seconds, clock.waiting)
            if summary_file:
                facts = {
                    "model_id": keyer.model_id,
                    "hint": str(hint or "screen"),
                    "chunk": list(chunk),
                }
                summary.write(summary_file, facts | settings, seconds, clock.waiting)
    except (ModelError, MovieWriteError, OSError, PlanError, ShotError) as error:
        raise click.ClickException(str(error)) from None
    if summary.failed:
        raise click.ClickException(
            f"{len(summary.failed)} of {len(frames)} frames failed: "
            f"{printable(', '.join(summary.failed), 1000)}. Fix them and run the same command "
            "again; it keys only the missing frames."
            + (f" {printable(str(movie_file))} is not written." if movie_file else "")
        )


def _check_folders(shot: Shot, output: Path, movie: Path | None) -> None:
    """Checks that plate and hint share frames and that the results do not replace them.

    Raises:
        click.UsageError: They do not share a frame, `output` is one of their folders, or `movie` is
            one of their files.
    """
    plate, hint = shot.plate, shot.hint
    if hint and hint.frames is not None and not set(shot.frames()) & set(hint.frames):
        raise click.UsageError(
            f"The hint has frames {hint.frames}; the plate "
            + (f"has {plate.frames}." if plate.frames else "is a still.")
        )
    if movie and movie.resolve() in {Path(f.file).resolve() for f in (plate, hint) if f}:
        raise click.UsageError("--movie is the plate or hint. Choose another file.")
    if output.resolve() in {Path(files.file).resolve().parent for files in (plate, hint) if files}:
        raise click.UsageError(
            "--output is the folder of the plate or hint; results would replace them. Choose "
            "another folder."
        )


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Shows a progress bar on a terminal; yields the function that advances it by one frame."""
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
        task = progress.add_task("Key", total=total)
        yield lambda: progress.advance(task)


if __name__ == "__main__":
    run(main)
