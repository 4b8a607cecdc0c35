"""Converts decoded movie frames to R'G'B', and names their transfer function.

The library's own conversion takes one matrix for every file and rounds to the wanted depth. So the
library only brings all layouts to 16 bits without subsampling, and the matrix is applied here.
"""

import dataclasses

import av
import numpy as np
from av.video.reformatter import Interpolation

from export.pictures.compositing import Floats, linear_to_srgb

_EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
# Numbers of ITU-T H.273, as files and the library have them.
_UNSPECIFIED = 2
_FULL_RANGE = 2
_REC709, _REC601, _REC2020 = (0.2126, 0.0722), (0.299, 0.114), (0.2627, 0.0593)
_MATRICES = {
    1: ("BT.709", _REC709),
    5: ("BT.601", _REC601),
    6: ("BT.601", _REC601),
    7: ("SMPTE 240M", (0.212, 0.087)),
    9: ("BT.2020", _REC2020),
}
"""Name of a matrix, and the weights of red and blue in its luma."""
_CURVES = {
    1: "Rec.709",
    4: "gamma 2.2",
    5: "gamma 2.8",
    6: "Rec.709",
    8: "linear light",
    13: "sRGB",
    14: "Rec.709",
    15: "Rec.709",
}
_OTHER_CURVES = {9: "log", 10: "log", 16: "PQ", 18: "HLG"}
_REC709_PRIMARIES = (1, 2, 5, 6)
"""Primaries of Rec.709, unspecified ones, and those of Rec.601, which are close."""
_PRIMARIES = {9: "Rec.2020", 11: "DCI-P3", 12: "P3-D65"}


class ColorError(ValueError):
    """The colors of a frame cannot be interpreted. The message is a predicate of the file."""


@dataclasses.dataclass(frozen=True)
class ColorFrame:
    """A frame in R'G'B'.

    Attributes:
        pixels: Code values [H, W, 3], or with alpha [H, W, 4]; 0 is black and 1 is white.
        curve: Transfer function of the colors; a key of `to_srgb`.
        note: How the colors were interpreted, for the user.
        warning: A doubt about the picture, or "".
    """

    pixels: Floats
    curve: str
    note: str
    warning: str


def color_frame(frame: av.VideoFrame) -> ColorFrame:
    """Converts a decoded frame.

    Raises:
        ColorError: The transfer function or the matrix is unknown.
    """
    number = int(frame.color_trc) or _UNSPECIFIED
    curve = _CURVES.get(number, "Rec.709" if number == _UNSPECIFIED else "")
    if not curve:
        raise ColorError(
            f"is encoded in {_OTHER_CURVES.get(number, f'the transfer function {number}')}; "
            "expected Rec.709, sRGB, a gamma or linear light. Convert it to a linear EXR"
        )
    assumed = " (assumed, the file does not say)" * (number == _UNSPECIFIED)
    if frame.format.is_rgb:
        pixels, matrix = _wide(frame, "rgba64le").astype(np.float32) / 65535, "R'G'B'"
    else:
        pixels, matrix = _from_luma(frame)
    pixels = np.rot90(pixels, round(frame.rotation / 90))
    if not any(component.is_alpha for component in frame.format.components):
        pixels = pixels[..., :3]
    warnings = []
    if int(frame.color_primaries) not in _REC709_PRIMARIES:
        known = _PRIMARIES.get(int(frame.color_primaries), "unknown")
        warnings.append(f"{known} primaries, keyed as Rec.709")
    if frame.interlaced_frame:
        warnings.append("interlaced, keyed as it is")
    return ColorFrame(
        np.ascontiguousarray(pixels), curve, f"{assumed}, {matrix}", "; ".join(warnings)
    )


def to_srgb(pixels: Floats, curve: str) -> Floats:
    """Encodes colors as sRGB that are in another transfer function."""
    if curve == "sRGB":
        return pixels
    if curve == "Rec.709":  # ITU-R BT.709, 1.2
        power = ((np.maximum(pixels, 0.0) + 0.099) / 1.099) ** (1 / 0.45)
        linear = np.where(pixels < 0.081, pixels / 4.5, power)
    elif curve == "linear light":
        linear = pixels
    else:
        linear = np.maximum(pixels, 0.0) ** float(curve.removeprefix("gamma "))
    return linear_to_srgb(linear.astype(np.float32))


def _from_luma(frame: av.VideoFrame) -> tuple[Floats, str]:
    """Returns R'G'B'A [H, W, 4] of a frame in Y'CbCr, and the name of the conversion."""
    number = int(frame.colorspace)
    # What players take for unspecified: standard definition is Rec.601.
    guess = 6 if frame.height <= 576 else 1
    name, weights = _MATRICES.get(guess if number == _UNSPECIFIED else number, ("", (0.0, 0.0)))
    if not name:
        raise ColorError(f"has colors by the matrix {number}, which is unknown; convert it to EXR")
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    luma, blue, red, alpha = np.moveaxis(_wide(frame, "yuva444p16le"), 2, 0).astype(np.float32)
    luma, blue, red = luma / 256, blue / 256 - 128, red / 256 - 128  # in steps of 8 bits
    luma, chroma = (luma / 255, 255) if full else ((luma - 16) / 219, 224)
    kr, kb = weights
    r = luma + 2 * (1 - kr) * red / chroma
    b = luma + 2 * (1 - kb) * blue / chroma
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    assumed = " (assumed)" * (number == _UNSPECIFIED)
    codes = "0-255" if full else "16-235"
    return np.stack([r, g, b, alpha / 65535], 2), f"Y'CbCr by {name}{assumed}, {codes}"


def _wide(frame: av.VideoFrame, layout: str) -> Floats:
    """Returns a frame in a layout of four channels of 16 bits, [H, W, 4]."""
    wide = frame.reformat(format=layout, interpolation=_EXACT)
    planes = [
        np.frombuffer(plane, np.uint16).reshape(plane.height, -1)[:, : plane.line_size // 2]
        for plane in wide.planes
    ]
    if len(planes) == 1:
        return planes[0][:, : 4 * frame.width].reshape(frame.height, frame.width, 4)
    return np.stack([plane[:, : frame.width] for plane in planes], 2)
