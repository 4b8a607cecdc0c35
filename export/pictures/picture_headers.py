"""Reads what a file's header says about its picture, and selects what a result inherits."""

import dataclasses
from typing import Any

from OpenImageIO import DOUBLE, FLOAT, HALF

from export.common.printable import printable
from export.pictures.color_spaces import aces, rec709, space_of

_DROPPED_PREFIXES = (
    *("oiio:", "openexr:", "tiff:", "png:", "jpeg:", "dpx:", "cineon:"),
    *("ICCProfile", "Exif:", "GPS:", "IPTC:", "thumbnail"),
)
_DROPPED = (
    *("compression", "planarconfig", "Orientation", "XPosition", "YPosition", "Software"),
    *("name", "view", "multiView", "type", "version", "tiles", "textureformat", "wrapmodes"),
    *("acesImageContainerFlag", "colorInteropID", "corridorkey", "preview"),
)
"""Attributes of the file rather than of the picture, and those that are false for a result."""
_LOG_TRANSFERS = ("Printing density", "Logarithmic")


class HeaderError(ValueError):
    """The pixels cannot be interpreted. The message is a predicate; callers prefix the file."""


@dataclasses.dataclass(frozen=True)
class Attribute:
    """An attribute of a header.

    Attributes:
        name: Name, as OpenImageIO calls it.
        type: Type, as OpenImageIO describes it.
        value: Value.
    """

    name: str
    type: Any
    value: Any


@dataclasses.dataclass(frozen=True)
class Header:
    """The parts of a header that matter for a key.

    Attributes:
        linear: True for floats, which are linear light by convention; False for integers, which
            are sRGB.
        space: Name of the linear color space of the floats.
        warning: A doubt about the colors, for the user; "" if there is none.
        pixel_aspect: Width of a pixel divided by its height.
        attributes: Attributes that a result inherits.
        curve: Transfer function of integers, by `movie_colors.to_srgb`.
        note: How else the colors were interpreted, for the user.
    """

    linear: bool
    space: str
    warning: str
    pixel_aspect: float
    attributes: list[Attribute]
    curve: str = "sRGB"
    note: str = ""


def read_header(spec: Any) -> Header:
    """Reads the header of one part of a file.

    Args:
        spec: OpenImageIO's ImageSpec of the part.

    Raises:
        HeaderError: The picture has a log encoding.
    """
    transfer = spec.getattribute("dpx:Transfer")
    if transfer in _LOG_TRANSFERS:
        raise HeaderError(
            f"is log-encoded ({transfer}); expected sRGB or linear light. Convert it to a linear "
            "EXR"
        )
    linear = spec.format.basetype in (HALF, FLOAT, DOUBLE) or transfer == "Linear"
    attributes = [
        Attribute(attribute.name, attribute.type, attribute.value)
        for attribute in spec.extra_attribs
        if _is_inherited(attribute)
    ]
    space, warning = _space(spec) if linear else (rec709(), _profile_warning(spec))
    return Header(
        linear, space, warning, spec.get_float_attribute("PixelAspectRatio", 1.0), attributes
    )


def _is_inherited(attribute: Any) -> bool:
    """Returns whether an attribute describes the picture and can be written again."""
    name, value = attribute.name, attribute.value
    if name in _DROPPED or name.startswith(_DROPPED_PREFIXES):
        return False
    try:
        f"{name}{value if isinstance(value, str) else ''}".encode()
    except UnicodeEncodeError:  # Text in another encoding, which OpenImageIO cannot write.
        return False
    return True


def _space(spec: Any) -> tuple[str, str]:
    """Returns the color space of linear light, and a warning if its primaries are unknown."""
    if chromaticities := spec.getattribute("chromaticities"):
        if not _are_numbers(chromaticities, 8):
            return rec709(), "chromaticities that are not 8 numbers, keyed as Rec.709"
        if space := space_of(chromaticities):
            return space, ""
        numbers = " ".join(f"{value:.4g}" for value in chromaticities)
        return rec709(), f"unknown primaries ({numbers}), keyed as Rec.709"
    if spec.get_int_attribute("acesImageContainerFlag"):
        return aces(), ""
    return rec709(), ""


def _are_numbers(value: Any, count: int) -> bool:
    """Returns whether an attribute is a tuple of `count` numbers; files may give any type."""
    return (
        isinstance(value, tuple)
        and len(value) == count
        and all(isinstance(number, int | float) for number in value)
    )


def _profile_warning(spec: Any) -> str:
    """Returns a warning if integers have an ICC profile other than sRGB."""
    profile = spec.get_string_attribute("ICCProfile:profile_description")
    if profile and "srgb" not in profile.lower():
        return f"ICC profile {printable(profile)!r}, keyed as sRGB"
    return ""
