"""Takes the coarse hint from a picture and aligns it with the plate."""

from typing import Literal

import numpy as np

from export.pictures.compositing import Floats, luminance
from export.pictures.picture_files import Picture
from export.pictures.windows import paste

HintChannel = Literal["alpha", "red", "luminance"]


class HintError(ValueError):
    """A picture has no usable hint."""


def usual_channel(picture: Picture) -> HintChannel:
    """Returns the default channel of a hint: the alpha if there is one, else the luminance.

    Raises:
        HintError: The alpha is 1 everywhere; many programs write such an alpha without a matte.
    """
    if picture.alpha is None:
        return "luminance"
    if picture.alpha.min() == 1.0:
        raise HintError(
            "the alpha is 1 everywhere. Name the channel of the hint with --hint-channel"
        )
    return "alpha"


def hint_for(plate: Picture, picture: Picture, channel: HintChannel) -> Floats:
    """Takes the hint from a picture, without changing its values.

    Args:
        plate: Plate to key.
        picture: Picture with the hint; may be the plate.
        channel: Channel of the hint.

    Returns:
        Hint [H, W] in the plate's data window; 0 where the picture has no pixels.

    Raises:
        HintError: The picture has no such channel, or its frame size is not the plate's.
    """
    if channel == "alpha":
        hint = picture.alpha
    elif picture.rgb is None:
        hint = None
    else:
        hint = picture.rgb[..., 0] if channel == "red" else luminance(picture.rgb)
    if hint is None:
        raise HintError(f"it has no {channel}")
    sizes = [(box.width, box.height) for box in (picture.display_window, plate.display_window)]
    if sizes[0] != sizes[1]:
        raise HintError(
            "the frame is {}x{}; expected {}x{} as in the plate".format(*sizes[0], *sizes[1])
        )
    target = plate.window_in_frame
    aligned = np.zeros((target.height, target.width), np.float32)
    paste(hint, picture.window_in_frame, aligned, target)
    return aligned
