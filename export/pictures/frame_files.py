"""Opens one frame, whether it is a file of its own or part of a movie."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from OpenImageIO import UINT16, ImageSpec, TypeDesc

from export.common.printable import printable
from export.pictures.color_spaces import rec709
from export.pictures.compositing import Floats
from export.pictures.layers import Part
from export.pictures.movies.movie import MovieError, is_movie, open_movie
from export.pictures.movies.movie_colors import ColorError, color_frame
from export.pictures.picture_files import PictureError, PictureFile, open_picture
from export.pictures.picture_headers import Attribute, Header


@dataclasses.dataclass(frozen=True)
class _MoviePicture(PictureFile):
    """A decoded frame, in the form of a picture with one part."""

    _header: Header

    def header(self, _part: int = 0) -> Header:
        """Returns the header of the frame."""
        return self._header


@dataclasses.dataclass(frozen=True)
class _Pixels:
    """Pixels [H, W, n] with the interface of OpenImageIO's ImageInput."""

    pixels: Floats

    def read_image(self, _part: int, _level: int, first: int, end: int, _type: Any) -> Floats:
        return self.pixels[..., first:end]


@contextlib.contextmanager
def open_frame(path: Path, frame: int | None) -> Iterator[PictureFile]:
    """Opens a frame.

    Args:
        path: A picture or a movie.
        frame: Frame number, which selects the frame of a movie; None for a still.

    Raises:
        PictureError: The file is missing or damaged, or the frame is not in it.
    """
    if not is_movie(path):
        with open_picture(path) as file:
            yield file
        return
    try:
        movie = open_movie(path)
        colors = color_frame(movie.frame(frame or 1))
    except MovieError as error:
        raise PictureError(str(error)) from None
    except ColorError as error:
        raise PictureError(f"{printable(str(path))} {error}") from None
    height, width, count = colors.pixels.shape
    rate = movie.rate.limit_denominator(1 << 16)
    attributes = [
        Attribute(
            "framesPerSecond", TypeDesc("rational"), (int(rate.numerator), int(rate.denominator))
        ),
        Attribute("PixelAspectRatio", TypeDesc("float"), movie.pixel_aspect),
    ]
    header = Header(
        linear=False,
        space=rec709(),
        warning=colors.warning,
        pixel_aspect=movie.pixel_aspect,
        attributes=attributes,
        curve=colors.curve,
        note=colors.note,
    )
    yield _MoviePicture(
        path,
        [Part("", (), tuple("RGBA"[:count]))],
        [ImageSpec(width, height, count, UINT16)],
        _Pixels(colors.pixels),
        header,
    )
