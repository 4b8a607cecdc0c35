"""Makes a review movie of the PNGs of a run."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from export.common.atomic import replacing
from export.common.printable import printable
from export.pictures.layers import Channel
from export.pictures.movies.movie_writer import write_movie
from export.pictures.picture_files import open_picture

_RATE = 24


def write_review(path: Path, results: Sequence[Path], frame_rate: float | None) -> None:
    """Writes a movie of the frames over the checkerboard, whole or not at all.

    Args:
        path: Movie to write.
        results: EXRs of the run; each has a PNG beside it.
        frame_rate: Frames per second; None for that in the header of the first result, else 24.

    Raises:
        MovieWriteError: The frames have several sizes.
        OSError: The movie cannot be written.
    """
    rate = _exact(frame_rate) if frame_rate else _rate(results[0])
    with replacing(path) as partial:
        write_movie(partial, _pictures(results), rate)
    click.echo(
        f"Wrote {printable(str(path))}: {len(results)} frames at {float(rate):.5g} per second"
    )


def _exact(rate: float) -> Fraction:
    """Returns the rate that a user means: 29.97 is 30000/1001, 12.5 is 25/2."""
    ntsc = Fraction(round(rate * 1.001) * 1000, 1001)
    return ntsc if rate > 20 and abs(rate - ntsc) < 0.004 else Fraction(rate).limit_denominator(100)


def _rate(exr: Path) -> Fraction:
    """Returns the frame rate that a result has inherited from its plate, else 24."""
    with open_picture(exr) as file:
        for attribute in file.header().attributes:
            if attribute.name.lower() != "framespersecond":
                continue
            match attribute.value:  # A file may give it any type.
                case (int(numerator), int(denominator)) if min(numerator, denominator) > 0:
                    return Fraction(numerator, denominator)
    return Fraction(_RATE)


def _pictures(results: Sequence[Path]) -> Iterator[NDArray[np.uint8]]:
    for exr in results:
        with open_picture(exr.with_suffix(".png")) as file:
            planes = file.read([Channel(0, number) for number in range(3)], file.frame())
        yield np.rint(np.moveaxis(planes, 0, 2) * 255).astype(np.uint8)
