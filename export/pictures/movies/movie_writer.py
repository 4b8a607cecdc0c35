"""Writes review movies: sRGB pictures as H.264 in MP4."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Interpolation
from numpy.typing import NDArray

from export.common.printable import printable

REVIEW_SUFFIX = ".mp4"
"""Suffix of the movies that can be written."""
_LAYOUT = "yuv420p"
# Numbers of ITU-T H.273.
_BT709, _SRGB = 1, 13
_EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT


class MovieWriteError(ValueError):
    """Pictures do not make a movie; the message says why."""


def write_movie(path: Path, pictures: Iterable[NDArray[np.uint8]], rate: Fraction) -> None:
    """Writes a movie. It says that its colors are sRGB, with the primaries and matrix of BT.709.

    Args:
        path: File to write, `.mp4`.
        pictures: sRGB pictures [H, W, 3] of one size. An odd size is made even by repeating the
            last row or column, as H.264 needs it.
        rate: Frames per second.

    Raises:
        MovieWriteError: The pictures have several sizes, or there is none.
        OSError: The file cannot be written.
    """
    options = {"crf": "16", "preset": "medium"}
    first: tuple[int, ...] | None = None
    try:
        with av.open(str(path), "w", format="mp4") as file:
            for picture in pictures:
                if first is None:
                    first = picture.shape
                    stream = file.add_stream("libx264", rate, options=options)
                    stream.height, stream.width = (side + side % 2 for side in first[:2])
                    stream.pix_fmt = _LAYOUT
                    context = stream.codec_context
                    context.color_primaries = context.colorspace = _BT709
                    context.color_trc, context.color_range = _SRGB, ColorRange.MPEG
                if picture.shape != first:
                    raise MovieWriteError(
                        "the frames have several sizes, {1}x{0} and {3}x{2}".format(
                            *first[:2], *picture.shape[:2]
                        )
                    )
                file.mux(stream.encode(_frame(picture)))
            if first is None:
                raise MovieWriteError("there are no frames")
            file.mux(stream.encode(None))
    except FFmpegError as error:
        reason = printable(error.strerror or str(error))
        raise OSError(f"cannot write the movie {printable(str(path))}: {reason}") from None


def _frame(picture: NDArray[np.uint8]) -> av.VideoFrame:
    """Converts a picture to Y'CbCr by BT.709, 16-235."""
    odd = [(0, side % 2) for side in picture.shape[:2]]
    even = np.ascontiguousarray(np.pad(picture, [*odd, (0, 0)], "edge"))
    frame = av.VideoFrame.from_ndarray(even, "rgb24").reformat(
        format=_LAYOUT,
        dst_colorspace="ITU709",
        dst_color_range=ColorRange.MPEG,
        interpolation=_EXACT,
    )
    frame.color_trc, frame.color_primaries = _SRGB, _BT709
    return frame
