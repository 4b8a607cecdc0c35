"""Keys one synthetic plate and shows the key beside the truth and over three backgrounds."""

import numpy as np

from export.pictures.compositing import Floats, linear_to_srgb, over, premultiply, srgb_to_linear
from export.pictures.keyer import Keyed, Keyer
from export.pictures.synthetic_plates import Recipe, SyntheticPlate
from export.qa.judged import Judged
from export.qa.matting_errors import matting_errors
from export.qa.qa_page import Picture, Section, data_uri
from wrapper.knobs import KNOBS

STAGES = ("hint", "coarse", "refined")
"""Mattes that are measured against the true alpha."""
_CAPTIONS = {
    "plate": ("Plate", "As filmed, sRGB."),
    "hint": ("Hint", "The artist's input: coarse, eroded, blurred."),
    "alpha": ("True alpha", "The matte that a perfect key has."),
    "coarse": (
        "Coarse matte",
        "Refiner off. Solid inside, clean outside; edges may still be soft.",
    ),
    "refined": (
        "Refined matte",
        "All knobs at their defaults but the screen color. Edges and hair match the true alpha.",
    ),
    "difference": (
        "Difference",
        "Refined minus true. Orange is too solid, blue too transparent, gray correct.",
    ),
    "foreground": (
        "Foreground",
        "Straight, sRGB. No screen color in the edges; colors outside the matte do not matter.",
    ),
    "despilled": (
        "Despilled",
        "Despill at its maximum. No tint of the screen; grays and skin keep their color.",
    ),
    "true-foreground": ("True foreground", "Straight, sRGB, without spill. Black outside."),
    "over-gray": ("Over gray", "Merged in linear light. Edges neither glow nor darken."),
    "over-black": ("Over black", "Reveals light fringes and remains of the screen."),
    "over-white": ("Over white", "Reveals dark fringes and holes in the matte."),
}
"""Title and caption of each picture of a plate, in reading order, three to a row."""
_GRAY, _BLACK, _WHITE = 0.18, 0.0, 1.0
"""Backgrounds, in linear light."""
_TOO_SOLID, _TOO_TRANSPARENT = (0.96, 0.60, 0.12), (0.10, 0.45, 0.90)
"""Colors of the difference picture, sRGB."""


def judge_plate(keyer: Keyer, name: str, recipe: Recipe, plate: SyntheticPlate) -> Judged:
    """Keys a plate, measures its mattes and makes its section.

    Args:
        keyer: The model.
        name: Name of the recipe, which becomes the section's anchor.
        recipe: Recipe of the plate.
        plate: The plate and its truth.
    """
    screen = screen_color(recipe)
    most = next(knob.maximum for knob in KNOBS if knob.name == "despill_strength")
    coarse = keyer.key(plate.plate, plate.hint, refiner_strength=0.0, screen_color=screen)
    refined = keyer.key(plate.plate, plate.hint, screen_color=screen)
    despilled = keyer.key(plate.plate, plate.hint, despill_strength=most, screen_color=screen)

    mattes = dict(zip(STAGES, (plate.hint, coarse.matte, refined.matte), strict=True))
    errors = {stage: matting_errors(matte, plate.alpha) for stage, matte in mattes.items()}
    pixels = mattes | {
        "plate": plate.plate,
        "alpha": plate.alpha,
        "difference": difference(refined.matte, plate.alpha),
        "foreground": refined.foreground,
        "despilled": despilled.foreground,
        "true-foreground": plate.foreground,
        "over-gray": composite(refined),
        "over-black": composite(refined, _BLACK),
        "over-white": composite(refined, _WHITE),
    }
    pictures = [
        Picture(
            picture,
            title,
            caption,
            data_uri(pixels[picture]),
            f"SAD {errors[picture].sad:.2f}" if picture in errors else "",
        )
        for picture, (title, caption) in _CAPTIONS.items()
    ]
    return Judged(Section(name, recipe.title, recipe.look_for, pictures), errors)


def screen_color(recipe: Recipe) -> int:
    """Returns the value of the knob `screen_color` for the plates of a recipe."""
    labels = next(knob.labels for knob in KNOBS if knob.name == "screen_color")
    return [label.lower() for label in labels].index(recipe.screen)


def composite(key: Keyed, light: float = _GRAY) -> Floats:
    """Merges a key over a uniform background of linear `light`; returns sRGB [H, W, 3]."""
    background = np.full_like(key.foreground, light)
    premultiplied = premultiply(srgb_to_linear(key.foreground), key.matte)
    return linear_to_srgb(over(premultiplied, key.matte, background))


def difference(matte: Floats, alpha: Floats) -> Floats:
    """Returns matte minus alpha, doubled and clipped, as a color [H, W, 3]."""
    amount = (2 * (matte - alpha)).clip(-1, 1)[..., None]
    color = np.where(amount > 0, np.float32(_TOO_SOLID), np.float32(_TOO_TRANSPARENT))
    return np.float32(0.5) + np.abs(amount) * (color - np.float32(0.5))
