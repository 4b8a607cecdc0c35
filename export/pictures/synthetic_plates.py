"""Renders green-screen plates from formulas, so that their true alpha and foreground are known.

All work is in linear light and in the order of a film stage: paint, screen and its light, lens,
composite, sensor noise; then the sRGB curve and ten bits, as from a camera. The rounding also
hides differences in the last bit of functions such as `pow`, so a plate is the same on every
machine.
"""

import dataclasses
import itertools

import numpy as np
from scipy import ndimage, signal

from export.pictures.compositing import Floats, linear_to_srgb, over
from export.pictures.synthetic_subject import Layer, bust, hand

_SCREENS = {"green": (0.05, 0.38, 0.085), "blue": (0.025, 0.075, 0.38)}
_AUBURN, _BLOND = (0.13, 0.055, 0.025), (0.52, 0.40, 0.24)
_GRAIN = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])[..., None] / 6
"""Kernel of the sensor's color filter, which correlates noise; its squares add up to 1."""
SPEED = (0.0047, -0.0013)
"""How far the subject moves per frame, right and down, in frame heights: not whole pixels."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One keying problem.

    Attributes:
        title: Name that compositors know the problem by.
        look_for: Signs of a good key, for the supervisor.
        screen: Color of the screen, "green" or "blue".
        hair: Linear color of the hair.
        close_up: True if the head fills the frame.
        motion: Length of a waving hand's path during the exposure, in frame heights; 0 for no hand.
        defocus: Radius of the subject's circle of confusion, in frame heights.
        spill: Share of the screen's light that the subject reflects.
        noise: Variance of shot noise per unit of light.
        uneven: Contrast of the screen's light, from 0 to 1; above 0 adds seams and markers.
        shadow: Share of the screen's light that the subject's shadow removes.
    """

    title: str
    look_for: str
    screen: str = "green"
    hair: tuple[float, float, float] = _AUBURN
    close_up: bool = False
    motion: float = 0.0
    defocus: float = 0.0
    spill: float = 0.15
    noise: float = 4e-5
    uneven: float = 0.0
    shadow: float = 0.0


RECIPES = {
    "hair": Recipe(
        title="Fine hair",
        look_for="Single hairs visible to their tips, with gaps between them. No halo of screen "
        "color, and no solid helmet where hairs merge.",
        close_up=True,
    ),
    "motion-blur": Recipe(
        title="Motion blur",
        look_for="The waving hand fades out smoothly along its whole path, in the color of "
        "skin. The head does not move and keeps a hard edge.",
        motion=0.13,
    ),
    "defocus": Recipe(
        title="Defocus",
        look_for="Edges as wide as in the plate, neither sharpened nor thickened, without a bright "
        "or dark line along them.",
        defocus=0.014,
    ),
    "spill": Recipe(
        title="Spill",
        look_for="Blond hair and the light edges of skin lose their green; nothing else turns "
        "magenta or gray. Spill is color, not transparency, so the matte stays solid.",
        hair=_BLOND,
        spill=1.5,
    ),
    "noise": Recipe(
        title="Noise",
        look_for="A matte without grain, solid inside and clean outside. Edges do not flicker with "
        "the noise of the plate.",
        noise=4e-3,
    ),
    "uneven-screen": Recipe(
        title="Uneven screen",
        look_for="No seams, creases, markers or dark corners in the matte, even close to the "
        "subject.",
        uneven=0.6,
    ),
    "soft-shadow": Recipe(
        title="Soft shadow",
        look_for="The shadow on the screen is black in the matte. Hair and shoulder in front of it "
        "keep their edge.",
        shadow=0.75,
    ),
    "blue-screen": Recipe(
        title="Blue screen",
        look_for="The same signs as for fine hair. The plate is keyed with the screen color set to "
        "blue; green-screen weights then see it with green and blue swapped.",
        screen="blue",
        close_up=True,
    ),
}
"""Recipes by their names on the command line."""


@dataclasses.dataclass(frozen=True)
class SyntheticPlate:
    """A plate and its ground truth, all in [0, 1].

    Attributes:
        plate: The plate, [H, W, 3], sRGB.
        alpha: True alpha, [H, W], linear.
        foreground: True foreground, [H, W, 3], straight sRGB: the subject without spill, 0 where
            alpha is 0.
        hint: Coarse hint, [H, W], linear: eroded and blurred like CorridorKey's training masks.
    """

    plate: Floats
    alpha: Floats
    foreground: Floats
    hint: Floats


def synthetic_plate(recipe: Recipe, height: int, width: int, frame: int = 0) -> SyntheticPlate:
    """Renders one plate. The same arguments give the same bits.

    Args:
        recipe: The keying problem.
        height: Height in pixels.
        width: Width in pixels.
        frame: Frame of a shot in which the subject moves by `SPEED` and the grain is new in every
            frame. The screen and a waving hand stay.
    """
    # One random stream per purpose, so that every screen gets the same hair and grain.
    strands, folds, grains = np.random.default_rng(1).spawn(3)
    if frame:
        grains = np.random.default_rng([1, frame])
    shift = (SPEED[0] * frame, SPEED[1] * frame)
    subject = _blur(
        bust(strands, height, width, recipe.hair, close_up=recipe.close_up, shift=shift),
        _circle_of_confusion(recipe.defocus * height),
    )
    if recipe.motion:
        subject = _blur(hand(height, width), _motion_path(recipe.motion * height)).over(subject)
    alpha = _quantize(subject.alpha, 2**16)

    color = np.array(_SCREENS[recipe.screen])
    screen = color * _screen_light(folds, height, width, recipe.uneven)[..., None]
    shadow = ndimage.shift(alpha, (0.04 * height, 0.14 * height), order=1, mode="nearest")
    shadow = ndimage.gaussian_filter(shadow, 0.035 * height, mode="nearest")
    screen *= 1 - recipe.shadow * shadow[..., None]

    light = subject.light + recipe.spill * subject.bounce[..., None] * color
    light = over(light, alpha, screen)
    grain = ndimage.convolve(grains.standard_normal(light.shape), _GRAIN)
    light = light + grain * np.sqrt(recipe.noise * light + 1e-7)

    covered = alpha[..., None] > 0
    straight = np.divide(subject.light, alpha[..., None], where=covered, out=np.zeros_like(light))
    core = ndimage.gaussian_filter(alpha, 0.02 * height) > 0.65
    return SyntheticPlate(
        plate=_quantize(linear_to_srgb(light), 1023),
        alpha=alpha,
        foreground=_quantize(linear_to_srgb(straight), 2**16),
        hint=_quantize(ndimage.gaussian_filter(core.astype(float), 0.012 * height), 2**8),
    )


def _quantize(values: np.ndarray, steps: int) -> Floats:
    """Rounds values in [0, 1] to multiples of 1 / steps.

    Data that contains exactly 0.5 needs an even `steps`; otherwise 0.5 is a rounding tie.
    """
    return (np.rint(values.clip(0, 1) * steps) / steps).astype(np.float32)


def _blur(layer: Layer, kernel: np.ndarray) -> Layer:
    """Convolves a layer with a kernel that has odd sides and adds up to 1."""

    def spread(plane: np.ndarray) -> np.ndarray:
        margins = [(side // 2, side // 2) for side in kernel.shape]
        padded = np.pad(plane.astype(np.float64), margins, mode="edge")
        return signal.oaconvolve(padded, kernel, mode="valid")

    light = np.stack([spread(layer.light[..., channel]) for channel in range(3)], -1)
    return Layer(spread(layer.alpha), light, spread(layer.bounce))


def _circle_of_confusion(radius: float) -> np.ndarray:
    """Returns the antialiased kernel of a round aperture with a radius in pixels."""
    reach = int(radius) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return disc / disc.sum()


def _motion_path(length: float) -> np.ndarray:
    """Returns the motion-blur kernel of a point that moves `length` pixels in a straight line."""
    reach = int(length / 2) + 2
    along = np.linspace(-length / 2, length / 2, 8 * reach)
    places = np.stack([0.25 * along, along], -1) + reach  # y and x
    corner = places.astype(int)
    right = places - corner
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    for y, x in itertools.product((0, 1), repeat=2):
        weight = np.abs(1 - y - right[:, 0]) * np.abs(1 - x - right[:, 1])
        np.add.at(kernel, (corner[:, 0] + y, corner[:, 1] + x), weight)
    return kernel / kernel.sum()


def _screen_light(rng: np.random.Generator, height: int, width: int, uneven: float) -> np.ndarray:
    """Returns the relative brightness of the screen [H, W]: lamps, folds, seam and markers."""
    y, x = np.mgrid[:height, :width] / height - np.array([0.5, 0.5 * width / height])[:, None, None]
    light = 1 - (0.08 + 0.75 * uneven) * np.hypot(x - 0.25, y + 0.15) ** 2
    if uneven:
        # Folds in the cloth are light and dark bands that wander from top to bottom.
        folds = rng.standard_normal((6, 40))
        folds = ndimage.zoom(folds, (height / 6, width / 40), order=3, mode="nearest")
        light *= 1 + 0.16 * uneven * folds[:height, :width]
        seam = np.abs(x + 0.43 + 0.012 * y) * height
        light *= 1 - 0.5 * uneven * np.clip(1.5 - seam, 0, 1)
        for column, row in itertools.product((-0.66, -0.33, 0.33, 0.66), (-0.38, -0.08, 0.22)):
            near = np.maximum(np.abs(x - column), np.abs(y - row)) * height
            cross = np.minimum(np.abs(x - column), np.abs(y - row)) * height
            arm = 0.022 * height
            light *= 1 + 0.6 * uneven * np.clip(arm - near, 0, 1) * np.clip(arm / 5 - cross, 0, 1)
    return light.clip(0.1)
