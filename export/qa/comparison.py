"""Compares a CorridorKey.pt with another one, such as the last release's.

On the synthetic plates the truth is known, so each file has errors. On a shot of one's own there is
no truth, and the figures say how far the two keys are apart.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from export.pictures.compositing import Floats
from export.pictures.keyer import Keyed, Keyer
from export.pictures.synthetic_plates import Recipe, SyntheticPlate, synthetic_plate
from export.qa.matting_errors import dtssd, edge_color_error, matting_errors
from export.qa.plate_section import composite, difference, screen_color
from export.qa.qa_page import Picture, Section, data_uri

SHOT_FRAMES = 5
"""Frames of the moving sequence."""
_EQUAL = 0.01
"""Relative difference up to which two figures count as equal."""
_AMPLIFIED = 4
_CAPTIONS = {
    "old-matte": ("Other file: matte", ""),
    "new-matte": ("This file: matte", ""),
    "matte-difference": (
        "Difference of the mattes",
        "This minus other, doubled. Orange is more solid than before, blue more transparent.",
    ),
    "old-over-gray": ("Other file: over gray", "Merged in linear light."),
    "new-over-gray": ("This file: over gray", "Step to the other one in place to see what moves."),
    "color-difference": (
        "Difference over gray",
        f"Absolute, {_AMPLIFIED} times as strong. Black is the same picture.",
    ),
}
"""Title and caption of each picture, in reading order, three to a row."""

Figures = dict[str, float]
"""Figures of one file by name; lower is better."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far two keys of one frame are apart, 0 to 1.

    Attributes:
        matte_mean: Mean absolute difference of the mattes.
        matte_most: Largest absolute difference of the mattes.
        color_mean: Mean absolute difference of the composites over gray, sRGB.
    """

    matte_mean: float
    matte_most: float
    color_mean: float


@dataclasses.dataclass(frozen=True)
class Compared:
    """One frame, keyed with both files.

    Attributes:
        section: Section with the pictures.
        new: Errors of this file; empty without a truth.
        old: Errors of the other file; empty without a truth.
        difference: How far the keys are apart.
    """

    section: Section
    new: Figures
    old: Figures
    difference: Difference


@dataclasses.dataclass(frozen=True)
class Tally:
    """Counts the figures in which this file is better, equal or worse than the other.

    Attributes:
        better: Number of figures that are lower by more than 1%.
        equal: Number of figures that differ by at most 1%.
        worse: Names of figures that are higher by more than 1%.
    """

    better: int
    equal: int
    worse: list[str]


def compare_plate(
    new: Keyer, old: Keyer, name: str, recipe: Recipe, plate: SyntheticPlate
) -> Compared:
    """Keys a synthetic plate with both files.

    Args:
        new: This file.
        old: The other file.
        name: Name of the recipe.
        recipe: Recipe of the plate.
        plate: The plate and its truth.
    """
    screen = screen_color(recipe)
    keys = [keyer.key(plate.plate, plate.hint, screen_color=screen) for keyer in (new, old)]
    errors, old_errors = (plate_figures(key, plate) for key in keys)
    captions = [f"SAD {of['sad']:.2f}" for of in (errors, old_errors)]
    section = compared_section(f"{name}-compared", f"Compared: {recipe.title}", keys, captions)
    return Compared(section, errors, old_errors, key_difference(*keys))


def plate_figures(key: Keyed, plate: SyntheticPlate) -> Figures:
    """Returns the errors of a key against the truth."""
    errors = dataclasses.asdict(matting_errors(key.matte, plate.alpha))
    color = edge_color_error(key.foreground, plate.foreground, plate.alpha)
    return {**errors, "edge_color": color}


def flicker(keyers: Mapping[str, Keyer], recipe: Recipe, height: int, width: int) -> Figures:
    """Keys a short shot in which the subject moves, and returns dtSSD of the hint and each file."""
    plates = [synthetic_plate(recipe, height, width, frame) for frame in range(SHOT_FRAMES)]
    alphas = [plate.alpha for plate in plates]
    figures = {"hint": dtssd([plate.hint for plate in plates], alphas)}
    screen = screen_color(recipe)
    for name, keyer in keyers.items():
        mattes = [keyer.key(one.plate, one.hint, screen_color=screen).matte for one in plates]
        figures[name] = dtssd(mattes, alphas)
    return figures


def key_difference(new: Keyed, old: Keyed) -> Difference:
    """Measures how far two keys of one frame are apart."""
    matte = np.abs(new.matte - old.matte)
    color = np.abs(composite(new) - composite(old))
    return Difference(float(matte.mean()), float(matte.max()), float(color.mean()))


def compared_section(
    name: str, title: str, keys: list[Keyed], figures: list[str], text: str = ""
) -> Section:
    """Returns the section that shows two keys side by side.

    Args:
        name: Anchor.
        title: Heading.
        keys: The key of this file and of the other one.
        figures: A figure for each of them.
        text: Paragraph below the heading.
    """
    (new, old), (new_figure, old_figure) = keys, figures
    over = composite(new), composite(old)
    pixels: dict[str, Floats] = {
        "old-matte": old.matte,
        "new-matte": new.matte,
        "matte-difference": difference(new.matte, old.matte),
        "old-over-gray": over[1],
        "new-over-gray": over[0],
        "color-difference": np.abs(over[0] - over[1]) * _AMPLIFIED,
    }
    shown = {"old-matte": old_figure, "new-matte": new_figure}
    pictures = [
        Picture(picture, title, caption, data_uri(pixels[picture]), shown.get(picture, ""))
        for picture, (title, caption) in _CAPTIONS.items()
    ]
    apart = key_difference(new, old)
    measured = (
        f"The mattes differ by {apart.matte_mean:.2g} in the mean and by {apart.matte_most:.2g} at "
        f"most; the composites by {apart.color_mean:.2g} in the mean."
    )
    height, width = new.matte.shape
    return Section(name, title, f"{text} {measured}".strip(), pictures, size=(width, height))


def tally(compared: Mapping[str, Compared], new_flicker: float, old_flicker: float) -> Tally:
    """Counts in how many figures this file is better, equal or worse than the other.

    Args:
        compared: The compared plates by title.
        new_flicker: dtSSD of this file.
        old_flicker: dtSSD of the other file.
    """
    pairs = {
        f"{title}: {figure}": (one.new[figure], one.old[figure])
        for title, one in compared.items()
        for figure in one.new
    } | {"dtSSD": (new_flicker, old_flicker)}
    worse = [name for name, (new, old) in pairs.items() if new > old * (1 + _EQUAL)]
    better = sum(new < old * (1 - _EQUAL) for new, old in pairs.values())
    return Tally(better, len(pairs) - better - len(worse), worse)
