"""Reads the coarse hint of a frame and fits it to the plate."""

import numpy as np
from OpenImageIO import FLOAT, ROI, ImageBuf, ImageBufAlgo

from export.common.printable import printable
from export.pictures.compositing import LUMINANCE, Floats
from export.pictures.layers import Channel
from export.pictures.picture_files import PictureFile, check_size
from export.pictures.windows import Box, paste


class HintError(ValueError):
    """A file has no hint that fits the plate. The message is a predicate of the file."""


def read_hint(
    file: PictureFile, channels: list[Channel], size: tuple[int, int], aspect: float, box: Box
) -> tuple[Floats, str]:
    """Reads a hint, without changing its values unless it has another size.

    Args:
        file: File with the hint.
        channels: One channel, or three for the luminance.
        size: Width and height of the plate's frame.
        aspect: Width of the plate's pixels divided by their height.
        box: Window to key, in frame coordinates.

    Returns:
        The hint [H, W] in the box, 0 outside its data window; and a remark for the user, or "".

    Raises:
        HintError: The frame has another aspect than the plate's.
        PictureError: The file cannot be read.
    """
    frame = file.frame(channels[0].part)
    frame = Box(0, 0, frame.width, frame.height)
    check_size(f"{printable(file.path.name)} has a display window", frame.width, frame.height)
    if (frame.width, frame.height) == size:
        hint, remark = _planes(file, channels, box), ""
    else:
        if not _same_aspect(file, channels, size, aspect):
            raise HintError(
                f"has a frame of {frame.width}x{frame.height}; expected the plate's "
                "{}x{}, or the same aspect".format(*size)
            )
        width, height = size
        source = ImageBuf(np.ascontiguousarray(_planes(file, channels, frame)[..., None]))
        roi = ROI(0, width, 0, height, 0, 1, 0, 1)
        resized = ImageBufAlgo.resize(source, filtername="triangle", roi=roi).get_pixels(FLOAT)
        hint = np.zeros((box.height, box.width), np.float32)
        paste(resized[..., 0], Box(0, 0, width, height), hint, box)
        remark = f"hint resized from {frame.width}x{frame.height} to {width}x{height}"
    return hint, remark


def describe_empty_hint(file: PictureFile, channels: list[Channel], hint: Floats) -> str:
    """Returns a warning if a hint marks nothing in the frame, else ""."""
    if hint.any():
        return ""
    window, frame = file.data_window(channels[0].part), file.frame(channels[0].part)
    outside = (
        window.x >= frame.width
        or window.y >= frame.height
        or window.x + window.width <= 0
        or window.y + window.height <= 0
    )
    return "the hint lies outside the frame" if outside else "the hint is 0 everywhere"


def _planes(file: PictureFile, channels: list[Channel], box: Box) -> Floats:
    planes = file.read(channels, box)
    return planes[0] if len(planes) == 1 else np.tensordot(LUMINANCE, planes, 1)


def _same_aspect(
    file: PictureFile, channels: list[Channel], size: tuple[int, int], aspect: float
) -> bool:
    """Returns whether hint and plate have one aspect, in pixels or as displayed.

    Sizes are rounded to whole pixels, so the smaller height may be off by less than one.
    """
    frame, (width, height) = file.frame(channels[0].part), size
    hint_aspect = file.header(channels[0].part).pixel_aspect
    return any(
        abs(frame.width * stretch * height - frame.height * width) < max(frame.width, width)
        for stretch in (1.0, hint_aspect / aspect if aspect > 0 < hint_aspect else 1.0)
    )
