"""CorridorKey.pt → a page of pictures and figures that a supervisor approves a release by."""

import contextlib
import dataclasses
import json
import zipfile
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.common import command_line
from export.common.atomic import replacing
from export.common.digests import digest
from export.common.steps import Steps
from export.pictures.compositing import Floats, linear_to_srgb, over, premultiply, srgb_to_linear
from export.pictures.keyer import Keyed, Keyer, ModelError
from export.pictures.synthetic_plates import RECIPES, Recipe, SyntheticPlate, synthetic_plate
from export.qa.matting_errors import MattingErrors, matting_errors, mean_errors
from export.qa.qa_page import Picture, Section, data_uri, render
from wrapper.knobs import KNOBS, Knob, KnobKind

_ASPECT = 16 / 9
_SWEPT_PLATE = "spill"
_SWEEP_STEPS = 5
_SWEPT_WITH = {"screen_color": {"despill_strength": 10.0}}
"""What other knobs are set to, where a knob alone does nothing."""
_STAGES = ("hint", "coarse", "refined")
_CAPTIONS = {
    "plate": ("Plate", "As filmed, sRGB."),
    "hint": ("Hint", "What the artist gives: coarse, eroded, blurred."),
    "alpha": ("True alpha", "What the mattes should be."),
    "coarse": (
        "Coarse matte",
        "Refiner off. Solid inside, clean outside; edges may still be soft.",
    ),
    "refined": ("Refined matte", "Every knob at its default. Edges and hair as in the true alpha."),
    "difference": (
        "Difference",
        "Refined less true. Orange is too solid, blue is eaten away, grey is right.",
    ),
    "foreground": (
        "Foreground",
        "Straight, sRGB. No screen in the edges; what lies outside the matte does not count.",
    ),
    "despilled": (
        "Despilled",
        "Despill at its most. The tint of the screen is gone, greys and skin keep theirs.",
    ),
    "true-foreground": ("True foreground", "Straight, sRGB, without spill. Black where none is."),
    "over-grey": ("Over grey", "Merged in linear light. Edges neither glow nor darken."),
    "over-black": ("Over black", "Shows light fringes, and screen that was left behind."),
    "over-white": ("Over white", "Shows dark fringes, and holes in the matte."),
}
"""Title of each picture of a plate, and what to look for; in reading order, three to a row."""
_GREY, _BLACK, _WHITE = 0.18, 0.0, 1.0
"""Backgrounds in linear light."""
_TOO_SOLID, _EATEN_AWAY = (0.96, 0.60, 0.12), (0.10, 0.45, 0.90)


@click.command()
@click.option(
    "--model",
    "model_file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .pt file to judge, as the export binary writes it.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .html file to write. The figures go into a .json file beside it.",
)
@click.option(
    "--size",
    "width",
    type=click.IntRange(64, 4096),
    default=960,
    show_default=True,
    help="Width of the plates in pixels; the height follows, 16:9. 960 makes a page of 10 to "
    "20 MB; 1920 shows a file for 2048 at its best, and makes it four times as large.",
)
@click.option(
    "--plates",
    "names",
    type=click.Choice(list(RECIPES)),
    multiple=True,
    help="A plate to key; give it again for more. All of them by default.",
)
@click.option(
    "--device",
    default="cuda" if torch.cuda.is_available() else "cpu",
    show_default=True,
    help="Where the network runs, as torch names it.",
)
def main(model_file: Path, output: Path, width: int, names: tuple[str, ...], device: str) -> None:
    """Shows what a CorridorKey.pt makes of green-screen plates whose true alpha is known.

    The page holds all of its pictures and needs no network. Files appear whole or not at all.
    """
    if output.suffix.lower() != ".html":
        raise click.BadParameter(f"{output} does not end in .html.", param_hint="--output")
    recipes = {name: RECIPES[name] for name in RECIPES if not names or name in names}
    steps = Steps()
    try:
        with contextlib.ExitStack() as stack:
            page, figures = (
                stack.enter_context(replacing(path))
                for path in (output, output.with_suffix(".json"))
            )
            with steps("Load the file"):
                keyer = Keyer(model_file, device)
                facts = {"file": digest(model_file), "manifest": _manifest(model_file)}
            reports, sweeps = [], []
            height = round(width / _ASPECT)
            for count, (name, recipe) in enumerate(recipes.items(), 1):
                with steps(f"Plate {count} of {len(recipes)}: {recipe.title}"):
                    plate = synthetic_plate(recipe, height, width)
                    reports.append(_judge(keyer, name, recipe, plate))
            swept = _SWEPT_PLATE if _SWEPT_PLATE in recipes else next(iter(recipes))
            plate = synthetic_plate(recipes[swept], height, width)
            for count, knob in enumerate(KNOBS, 1):
                with steps(f"Knob {count} of {len(KNOBS)}: {knob.label}"):
                    sweeps.append(_sweep(keyer, knob, plate))
            content: dict[str, Any] = {
                **facts,
                "untrained": keyer.untrained,
                "width": width,
                "height": height,
                "errors": {report.section.name: report.errors for report in reports},
                "mean": {
                    stage: mean_errors([report.errors[stage] for report in reports])
                    for stage in _STAGES
                },
                "swept_plate": swept,
                "sweeps": {sweep.section.name: sweep.errors for sweep in sweeps},
            }
            figures.write_text(json.dumps(content, indent=2, default=dataclasses.asdict) + "\n")
            page.write_text(
                render(
                    **content,
                    recipes=recipes,
                    measures=[field.name for field in dataclasses.fields(MattingErrors)],
                    plates=[report.section for report in reports],
                    knobs=[sweep.section for sweep in sweeps],
                )
            )
    except (ModelError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except RuntimeError as error:  # torch's, such as too little memory on the device
        reason = str(error).splitlines()[0]
        raise click.ClickException(f"{model_file} does not run on {device}: {reason}") from None
    click.echo(f"Wrote {output}: {output.stat().st_size / 1e6:.1f} MB, and its figures beside it")


@dataclasses.dataclass(frozen=True)
class _Judged:
    """A part of the page, and its figures.

    Attributes:
        section: The pictures.
        errors: Of each matte against the true alpha, by what it is.
    """

    section: Section
    errors: dict[str, MattingErrors]


def _judge(keyer: Keyer, name: str, recipe: Recipe, plate: SyntheticPlate) -> _Judged:
    """Keys a plate, and shows it from all sides."""
    knobs = {knob.name: knob for knob in KNOBS}
    screen = [label.lower() for label in knobs["screen_color"].labels].index(recipe.screen)
    most = knobs["despill_strength"].maximum
    coarse = keyer.key(plate.plate, plate.hint, refiner_strength=0.0)
    refined = keyer.key(plate.plate, plate.hint)
    despilled = keyer.key(plate.plate, plate.hint, despill_strength=most, screen_color=screen)

    mattes = {"hint": plate.hint, "coarse": coarse.matte, "refined": refined.matte}
    errors = {stage: matting_errors(matte, plate.alpha) for stage, matte in mattes.items()}
    pixels = mattes | {
        "plate": plate.plate,
        "alpha": plate.alpha,
        "difference": _difference(refined.matte, plate.alpha),
        "foreground": refined.foreground,
        "despilled": despilled.foreground,
        "true-foreground": plate.foreground,
        "over-grey": _composite(refined, _GREY),
        "over-black": _composite(refined, _BLACK),
        "over-white": _composite(refined, _WHITE),
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
    return _Judged(Section(name, recipe.title, recipe.look_for, pictures), errors)


def _sweep(keyer: Keyer, knob: Knob, plate: SyntheticPlate) -> _Judged:
    """Keys a plate with a knob at each of its values, or at some from one end to the other."""
    others = _SWEPT_WITH.get(knob.name, {})
    if knob.kind is KnobKind.ENUMERATION:
        values = {float(value): label for value, label in enumerate(knob.labels)}
    else:
        steps = np.linspace(knob.minimum, knob.maximum, _SWEEP_STEPS).tolist()
        values = {value: f"{value:g}" for value in steps}
    keys = {
        value: keyer.key(plate.plate, plate.hint, **others, **{knob.name: value})
        for value in values
    }
    default = keys.get(knob.default) or keyer.key(plate.plate, plate.hint, **others)
    errors, pictures = {}, []
    for value, label in values.items():
        key = keys[value]
        errors[label] = matting_errors(key.matte, plate.alpha)
        sad = f"SAD {errors[label].sad:.2f}"
        title = f"{label} (default)" if value == knob.default else label
        for part, shown, before, figure in (
            ("RGB", key.foreground, default.foreground, ""),
            ("alpha", key.matte, default.matte, sad),
        ):
            moved = float(np.abs(shown - before).max())
            caption = f"Up to {moved:.2g} from the default." if moved else "As at the default."
            name = f"{part.lower()}-{label.lower()}"
            pictures.append(Picture(name, f"{title}: {part}", caption, data_uri(shown), figure))
    text = knob.tooltip
    if others:
        text += f" Shown with {', '.join(f'{name} {value:g}' for name, value in others.items())}."
    return _Judged(Section(knob.name, knob.label, text, pictures, pairs=True), errors)


def _composite(key: Keyed, light: float) -> Floats:
    """A key over an even background of that light; sRGB."""
    background = np.full_like(key.foreground, light)
    premultiplied = premultiply(srgb_to_linear(key.foreground), key.matte)
    return linear_to_srgb(over(premultiplied, key.matte, background))


def _difference(matte: Floats, alpha: Floats) -> Floats:
    """What is too solid and what is eaten away, in colour [H, W, 3]."""
    amount = (2 * (matte - alpha)).clip(-1, 1)[..., None]
    colour = np.where(amount > 0, np.float32(_TOO_SOLID), np.float32(_EATEN_AWAY))
    return np.float32(0.5) + np.abs(amount) * (colour - np.float32(0.5))


def _manifest(path: Path) -> dict[str, Any]:
    """What the file says that it was made from."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.endswith(f"/extra/{NAME_IN_ARCHIVE}"):
                return dict(json.loads(archive.read(name)))
    raise ModelError(f"{path} has no manifest; export it again with this version")


if __name__ == "__main__":
    command_line.run(main)
