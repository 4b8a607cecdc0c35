"""The coarse hint: out of the picture that has it, pixel on pixel with its plate."""

from typing import Literal

import numpy as np

from export.pictures.compositing import Floats, luminance
from export.pictures.picture_files import Picture
from export.pictures.windows import paste

HintChannel = Literal["alpha", "red", "luminance"]


class HintError(ValueError):
    """A picture that has no usable hint; the message says why."""


def usual_channel(picture: Picture) -> HintChannel:
    """Where the hint is when nobody says: in the alpha, if there is one, else in the luminance.

    Raises:
        HintError: The alpha is 1 all over, as programs write it that have none.
    """
    if picture.alpha is None:
        return "luminance"
    if picture.alpha.min() == 1.0:
        raise HintError("the alpha is 1 all over; name where the hint is: --hint-channel")
    return "alpha"


def hint_for(plate: Picture, picture: Picture, channel: HintChannel) -> Floats:
    """Takes a hint out of a picture, numbers as they are.

    Args:
        plate: What is to be keyed.
        picture: What has the hint; may be the plate.
        channel: Where it has it.

    Returns:
        [H, W] of the plate's data window; 0 where the picture has no pixels.

    Raises:
        HintError: The picture has no such channel, or another frame size than the plate.
    """
    if channel == "alpha":
        hint = picture.alpha
    elif picture.rgb is None:
        hint = None
    else:
        hint = picture.rgb[..., 0] if channel == "red" else luminance(picture.rgb)
    if hint is None:
        raise HintError(f"there is no {channel}")
    sizes = [(box.width, box.height) for box in (picture.display_window, plate.display_window)]
    if sizes[0] != sizes[1]:
        raise HintError("the frame is {}x{}, and the plate's {}x{}".format(*sizes[0], *sizes[1]))
    target = plate.window_in_frame
    aligned = np.zeros((target.height, target.width), np.float32)
    paste(hint, picture.window_in_frame, aligned, target)
    return aligned
