"""Draws the icon: a key, half of it over the screen and half of it keyed."""

import io

from PIL import Image, ImageDraw

SIZE = 24
"""Side of an icon in the toolbar of Nuke, in pixels; the `@2x` file has twice that."""

_OVERSAMPLING = 16
_GREEN = (38, 166, 91, 255)
_SLATE = (74, 84, 99, 255)
_LIGHT = (244, 246, 248, 255)


def png(size: int) -> bytes:
    """Returns the icon as a PNG of size × size pixels, transparent outside."""
    side = size * _OVERSAMPLING
    unit = side / 24

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, ...]:
        return tuple(unit * value for value in (left, top, right, bottom))

    tile = Image.new("RGBA", (side, side), _GREEN)
    ImageDraw.Draw(tile).polygon([(0, side), (side, 0), (side, side)], fill=_SLATE)
    outline = Image.new("L", (side, side), 0)
    ImageDraw.Draw(outline).rounded_rectangle(box(1, 1, 23, 23), radius=5 * unit, fill=255)
    tile.putalpha(outline)

    key = ImageDraw.Draw(tile)
    key.ellipse(box(4, 7.5, 13, 16.5), outline=_LIGHT, width=round(2.25 * unit))
    key.rectangle(box(12, 11, 21, 13), fill=_LIGHT)
    key.rectangle(box(15, 13, 17, 16), fill=_LIGHT)
    key.rectangle(box(19, 13, 21, 17), fill=_LIGHT)

    file = io.BytesIO()
    tile.resize((size, size), Image.Resampling.BOX).save(file, "PNG")
    return file.getvalue()
