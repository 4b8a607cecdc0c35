"""A test card before a screen, in formulas: no two of its corners, sides or colors are alike."""

import dataclasses
from typing import Self

import numpy as np
from scipy import ndimage

from export.pictures.compositing import Floats, linear_to_srgb, over

SIZE = 192
"""Side of the card, in pixels."""
SCREENS = {"green": (0.05, 0.38, 0.085), "blue": (0.025, 0.075, 0.38)}
"""Linear light of the screens."""

_PATCHES = {
    # Rows, columns and linear color. The last ones are small and not symmetric.
    "gray": ((60, 160), (60, 140), (0.20, 0.20, 0.20)),
    "red": ((64, 96), (64, 96), (0.60, 0.06, 0.05)),
    "skin": ((104, 150), (66, 100), (0.50, 0.28, 0.20)),
    "white": ((110, 150), (108, 136), (0.70, 0.68, 0.66)),
    "arm": ((70, 84), (30, 60), (0.17, 0.15, 0.14)),
}


@dataclasses.dataclass(frozen=True)
class Card:
    """A plate with its hint, and the truth about both.

    Attributes:
        light: Linear light of the plate, [H, W, 3].
        hint: [H, W].
        alpha: True coverage, [H, W].
    """

    light: Floats
    hint: Floats
    alpha: Floats

    @property
    def plate(self) -> Floats:
        """The plate in sRGB, [H, W, 3]."""
        return linear_to_srgb(self.light)

    def moved(self, down: int, right: int) -> Self:
        """Returns the card moved by whole pixels; the screen follows."""

        def move(pixels: Floats) -> Floats:
            return np.roll(pixels, (down, right), (0, 1))

        return dataclasses.replace(
            self, light=move(self.light), hint=move(self.hint), alpha=move(self.alpha)
        )

    def painted(self, rows: slice, columns: slice, light: tuple[float, float, float]) -> Self:
        """Returns the card with a rectangle of one color painted over the plate."""
        painted = self.light.copy()
        painted[rows, columns] = light
        return dataclasses.replace(self, light=painted)

    def hinted(self, rows: slice, columns: slice, value: float) -> Self:
        """Returns the card with a rectangle of one value in its hint."""
        hint = self.hint.copy()
        hint[rows, columns] = value
        return dataclasses.replace(self, hint=hint)


def patch(name: str, margin: int = 6) -> tuple[slice, slice]:
    """Returns the rows and columns of a patch, without a margin in pixels."""
    rows, columns, _ = _PATCHES[name]
    return slice(rows[0] + margin, rows[1] - margin), slice(
        columns[0] + margin, columns[1] - margin
    )


def draw_card(screen: str = "green") -> Card:
    """Draws the card before a screen of one color."""
    alpha, light = np.zeros((SIZE, SIZE)), np.zeros((SIZE, SIZE, 3))
    for rows, columns, color in _PATCHES.values():
        place = slice(*rows), slice(*columns)
        alpha[place], light[place] = 1, color
    # A lens blurs coverage and premultiplied light alike.
    alpha = ndimage.gaussian_filter(alpha, 1.2)
    light = ndimage.gaussian_filter(light, (1.2, 1.2, 0))
    plate = over(light, alpha, np.broadcast_to(SCREENS[screen], light.shape))
    hint = ndimage.gaussian_filter((ndimage.gaussian_filter(alpha, 4) > 0.65).astype(float), 2.5)
    return Card(*(pixels.astype(np.float32) for pixels in (plate, hint, alpha)))
