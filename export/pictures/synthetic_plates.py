"""Green-screen plates made from formulas, whose true alpha and foreground are known.

Everything happens in linear light, in the order in which it does on a stage: paint, screen and its
light, lens, composite, sensor noise; then the sRGB curve and ten bits, as from a camera. The
rounding also hides what functions like `pow` do in their last bit, so that a plate is the same on
every machine.
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
"""How a sensor's colour filter smears noise; the sum of its squares is 1."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """One problem of keying.

    Attributes:
        title: Its name among compositors.
        look_for: What a supervisor should see in a good key.
        screen: "green" or "blue".
        hair: Linear colour.
        close_up: Whether the head fills the frame.
        motion: Path of a waving hand while the shutter is open, in heights; 0 leaves it out.
        defocus: Radius of the circle of confusion of the subject, in heights.
        spill: Part of the screen's light that comes back from the subject.
        noise: Variance of shot noise per unit of light.
        uneven: Contrast of the screen's light, from 0 to 1; above 0 it has seams and markers too.
        shadow: Part of the light that the subject takes from the screen behind it.
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
        look_for="Single hairs out to their tips, with gaps between them. No halo of screen, no "
        "helmet where hairs have grown together.",
        close_up=True,
    ),
    "motion-blur": Recipe(
        title="Motion blur",
        look_for="The waving hand fades out over the whole of its path, smoothly, in the colour "
        "of skin. The head, which is still, keeps its hard edge.",
        motion=0.13,
    ),
    "defocus": Recipe(
        title="Defocus",
        look_for="Edges as wide as in the plate: neither sharpened nor fattened, and no bright or "
        "dark line along them.",
        defocus=0.014,
    ),
    "spill": Recipe(
        title="Spill",
        look_for="Blond hair and the light edges of skin lose their green, and nothing else turns "
        "magenta or grey. Spill is colour, not transparency: the matte stays solid.",
        hair=_BLOND,
        spill=1.5,
    ),
    "noise": Recipe(
        title="Noise",
        look_for="A matte without grain: solid inside, clean outside. Edges do not boil with the "
        "noise of the plate.",
        noise=4e-3,
    ),
    "uneven-screen": Recipe(
        title="Uneven screen",
        look_for="Seams, creases, markers and dark corners are all gone from the matte, right up "
        "to the subject.",
        uneven=0.6,
    ),
    "soft-shadow": Recipe(
        title="Soft shadow",
        look_for="The shadow on the screen is screen: black in the matte. Hair and shoulder before "
        "it keep their edge.",
        shadow=0.75,
    ),
    "blue-screen": Recipe(
        title="Blue screen",
        look_for="As fine hair. A plate for the weights for blue screens; those for green may do "
        "worse here. It is despilled with the screen colour set to blue.",
        screen="blue",
        close_up=True,
    ),
}
"""Every plate, by the name that a command line takes."""


@dataclasses.dataclass(frozen=True)
class SyntheticPlate:
    """A plate and the truth about it, all from 0 to 1.

    Attributes:
        plate: [H, W, 3], sRGB.
        alpha: [H, W], linear.
        foreground: [H, W, 3], straight, sRGB: the subject without spill, 0 where there is none.
        hint: [H, W], linear: coarse, eroded and blurred, as were the masks that CorridorKey was
            trained on.
    """

    plate: Floats
    alpha: Floats
    foreground: Floats
    hint: Floats


def synthetic_plate(recipe: Recipe, height: int, width: int) -> SyntheticPlate:
    """Films one plate. The same arguments give the same bits."""
    # Streams of their own, so that the same hair and grain are before every screen.
    strands, folds, grains = np.random.default_rng(1).spawn(3)
    subject = _blurred(
        bust(strands, height, width, recipe.hair, close_up=recipe.close_up),
        _circle_of_confusion(recipe.defocus * height),
    )
    if recipe.motion:
        subject = _blurred(hand(height, width), _path(recipe.motion * height)).over(subject)
    alpha = _quantised(subject.alpha, 2**16)

    colour = np.array(_SCREENS[recipe.screen])
    screen = colour * _screen_light(folds, height, width, recipe.uneven)[..., None]
    shadow = ndimage.shift(alpha, (0.04 * height, 0.14 * height), order=1, mode="nearest")
    shadow = ndimage.gaussian_filter(shadow, 0.035 * height, mode="nearest")
    screen *= 1 - recipe.shadow * shadow[..., None]

    light = subject.light + recipe.spill * subject.bounce[..., None] * colour
    light = over(light, alpha, screen)
    grain = ndimage.convolve(grains.standard_normal(light.shape), _GRAIN)
    light = light + grain * np.sqrt(recipe.noise * light + 1e-7)

    covered = alpha[..., None] > 0
    straight = np.divide(subject.light, alpha[..., None], where=covered, out=np.zeros_like(light))
    core = ndimage.gaussian_filter(alpha, 0.02 * height) > 0.65
    return SyntheticPlate(
        plate=_quantised(linear_to_srgb(light), 1023),
        alpha=alpha,
        foreground=_quantised(linear_to_srgb(straight), 2**16),
        hint=_quantised(ndimage.gaussian_filter(core.astype(float), 0.012 * height), 2**8),
    )


def _quantised(values: np.ndarray, steps: int) -> Floats:
    """Rounds [0, 1] to steps: an even number, where a half comes up that must not be a tie."""
    return (np.rint(values.clip(0, 1) * steps) / steps).astype(np.float32)


def _blurred(layer: Layer, kernel: np.ndarray) -> Layer:
    """What a lens or a shutter makes of a layer; `kernel` is odd on each side and adds up to 1."""

    def spread(plane: np.ndarray) -> np.ndarray:
        margins = [(side // 2, side // 2) for side in kernel.shape]
        padded = np.pad(plane.astype(np.float64), margins, mode="edge")
        return signal.oaconvolve(padded, kernel, mode="valid")

    light = np.stack([spread(layer.light[..., channel]) for channel in range(3)], -1)
    return Layer(spread(layer.alpha), light, spread(layer.bounce))


def _circle_of_confusion(radius: float) -> np.ndarray:
    """The kernel of a round aperture, for a radius in pixels; its edge is antialiased."""
    reach = int(radius) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return disc / disc.sum()


def _path(length: float) -> np.ndarray:
    """The kernel of a shutter that is open while a point goes along a straight line, in pixels."""
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
    """What the lamps and the cloth make of a screen [H, W], about 1."""
    y, x = np.mgrid[:height, :width] / height - np.array([0.5, 0.5 * width / height])[:, None, None]
    light = 1 - (0.08 + 0.75 * uneven) * np.hypot(x - 0.25, y + 0.15) ** 2
    if uneven:
        # Cloth hangs in folds: light and dark bands that wander on their way down.
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
