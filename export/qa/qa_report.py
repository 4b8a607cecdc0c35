"""Writes a QA report on a CorridorKey.pt: one page to approve a file by, and its figures."""

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import click
import torch

from export.artifact.artifact_manifest import ManifestError, read_manifest
from export.common.atomic import replacing
from export.common.command_line import run
from export.common.digests import digest
from export.common.json_text import to_json
from export.common.steps import Steps
from export.pictures.frame_sequence import FrameSequence, SequenceError
from export.pictures.keyer import Keyer, ModelError
from export.pictures.layers import LayerError
from export.pictures.picture_files import PictureError
from export.pictures.synthetic_plates import RECIPES, synthetic_plate
from export.preview.hint import HintError
from export.preview.options import Frames
from export.preview.shot import ShotError
from export.qa.comparison import SHOT_FRAMES, Compared, compare_plate, flicker, tally
from export.qa.judged import Judged
from export.qa.knob_sweep import sweep_knob
from export.qa.matting_errors import MattingErrors, mean_errors
from export.qa.own_shot import ShotFrame, key_shot
from export.qa.plate_section import STAGES, judge_plate
from export.qa.qa_page import render
from wrapper.knobs import KNOBS
from wrapper.model_ids import DEMO_MODEL_ID
from wrapper.printable import printable

_ASPECT = 16 / 9
_UNREADABLE = (HintError, LayerError, PictureError, SequenceError, ShotError)
"""Errors about a shot of one's own; each message is one line."""
_SWEPT_PLATE = "spill"


@click.command()
@click.option(
    "--model",
    "model_file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The CorridorKey.pt to report on.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The .html file to write. The figures are written to a .json file beside it.",
)
@click.option(
    "--size",
    "width",
    type=click.IntRange(64, 4096),
    default=960,
    show_default=True,
    help="Width of the plates in pixels; their aspect is 16:9. A page at 960 has 10 to 20 MB. 1920 "
    "shows a 2048 model at its best; the page is four times as large.",
)
@click.option(
    "--plates",
    "names",
    type=click.Choice(list(RECIPES)),
    multiple=True,
    help="A plate to key; may be repeated.  [default: all plates]",
)
@click.option(
    "--device",
    default="cuda" if torch.cuda.is_available() else "cpu",
    show_default=True,
    help="Device to run the network on, as torch names it.",
)
@click.option(
    "--against",
    "other_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Another CorridorKey.pt, such as the last release's, to compare with.",
)
@click.option(
    "--plate",
    type=Frames(),
    help='A shot of your own: a still, or in quotes "shot.####.exr 1001-1010", as for '
    "//export:preview. Every frame is keyed; three are shown.",
)
@click.option(
    "--hint", type=Frames(), help="Hint of that shot, in the same form.  [default: its alpha]"
)
def main(
    model_file: Path,
    output: Path,
    width: int,
    names: tuple[str, ...],
    device: str,
    other_file: Path | None,
    plate: FrameSequence | None,
    hint: FrameSequence | None,
) -> None:
    """Keys synthetic green-screen plates, whose true alpha is known, and reports the results.

    With --against it compares two files, and with --plate it keys a shot of your own. The page
    contains all pictures and needs no network. A failed run writes nothing.
    """
    if hint and not plate:
        raise click.BadParameter("it needs --plate.", param_hint="--hint")
    shown = printable(str(output))
    if output.suffix.lower() != ".html":
        raise click.BadParameter(f"{shown} does not end in .html.", param_hint="--output")
    plates = [name for name in RECIPES if not names or name in names]
    try:
        with contextlib.ExitStack() as stack:
            page, figures = (
                stack.enter_context(replacing(path))
                for path in (output, output.with_suffix(".json"))
            )
            with Steps()("Load the file"):
                keyer = Keyer(model_file, device)
                other = Keyer(other_file, device) if other_file else None
            content, judged_plates, sweeps = _report(keyer, model_file, plates, width)
            comparison: dict[str, Any] | None = None
            compared: list[Compared] = []
            if other and other_file:
                comparison, compared = _comparison(keyer, other, other_file, plates, width)
            frames = _own_shot([keyer, *filter(None, [other])], plate, hint, width)
            content |= {"comparison": comparison, "shot": frames and _without_pictures(frames)}
            figures.write_text(to_json(json.loads(json.dumps(content, default=dataclasses.asdict))))
            page.write_text(
                render(
                    **content,
                    recipes=RECIPES,
                    frames=SHOT_FRAMES,
                    measures=[field.name for field in dataclasses.fields(MattingErrors)],
                    plates=[judged.section for judged in judged_plates],
                    compared=[one.section for one in compared],
                    shot_sections=[frame.section for frame in frames if frame.section],
                    knobs=[sweep.section for sweep in sweeps],
                )
            )
    except (ManifestError, ModelError, OSError, *_UNREADABLE) as error:
        raise click.ClickException(str(error)) from None
    except RuntimeError as error:  # from torch, such as too little memory on the device
        reason = str(error).splitlines()[0]
        raise click.ClickException(
            printable(f"{model_file} does not run on {device}: {reason}")
        ) from None
    size = output.stat().st_size / 1e6
    figures_name = printable(output.with_suffix(".json").name)
    click.echo(f"Wrote {shown} ({size:.1f} MB) and {figures_name}")


def _report(
    keyer: Keyer, model_file: Path, plates: list[str], width: int
) -> tuple[dict[str, Any], list[Judged], list[Judged]]:
    """Keys every plate and sweeps every knob.

    Args:
        keyer: The model.
        model_file: Its file.
        plates: Names of recipes.
        width: Width of the plates in pixels.

    Returns:
        The figures, the judged plates and the judged knobs.

    Raises:
        ManifestError: The file has no manifest.
        OSError: The file cannot be read.
        RuntimeError: The file does not run on the device.
    """
    steps = Steps()
    height = round(width / _ASPECT)
    facts = {"file": digest(model_file), "manifest": read_manifest(model_file)}
    judged_plates, sweeps = [], []
    for count, name in enumerate(plates, 1):
        recipe = RECIPES[name]
        with steps(f"Plate {count} of {len(plates)}: {recipe.title}"):
            plate = synthetic_plate(recipe, height, width)
            judged_plates.append(judge_plate(keyer, name, recipe, plate))
    swept = _SWEPT_PLATE if _SWEPT_PLATE in plates else plates[0]
    plate = synthetic_plate(RECIPES[swept], height, width)
    for count, knob in enumerate(KNOBS, 1):
        with steps(f"Knob {count} of {len(KNOBS)}: {knob.label}"):
            sweeps.append(sweep_knob(keyer, knob, plate))
    content = {
        **facts,
        "untrained": keyer.untrained,
        "demo": keyer.model_id.startswith(DEMO_MODEL_ID),
        "width": width,
        "height": height,
        "errors": {judged.section.name: judged.errors for judged in judged_plates},
        "mean": {
            stage: mean_errors([judged.errors[stage] for judged in judged_plates])
            for stage in STAGES
        },
        "swept_plate": swept,
        "sweeps": {sweep.section.name: sweep.errors for sweep in sweeps},
    }
    return content, judged_plates, sweeps


def _comparison(
    keyer: Keyer, other: Keyer, other_file: Path, plates: list[str], width: int
) -> tuple[dict[str, Any], list[Compared]]:
    """Keys every plate, and a short moving shot, with both files.

    Args:
        keyer: This file.
        other: The other file.
        other_file: Path of the other file.
        plates: Names of recipes.
        width: Width of the plates in pixels.

    Returns:
        The figures and the compared plates.

    Raises:
        ManifestError: The other file has no manifest.
        OSError: The other file cannot be read.
    """
    steps = Steps()
    height = round(width / _ASPECT)
    compared = []
    for count, name in enumerate(plates, 1):
        recipe = RECIPES[name]
        with steps(f"Compare plate {count} of {len(plates)}: {recipe.title}"):
            plate = synthetic_plate(recipe, height, width)
            compared.append(compare_plate(keyer, other, name, recipe, plate))
    moving = RECIPES[plates[0]]
    with steps(f"Compare a moving shot: {moving.title}"):
        dtssd = flicker({"new": keyer, "old": other}, moving, height, width)
    by_title = {RECIPES[name].title: one for name, one in zip(plates, compared, strict=True)}
    figures = {
        "file": digest(other_file),
        "manifest": read_manifest(other_file),
        "plates": {
            name: {"new": one.new, "old": one.old, "difference": one.difference}
            for name, one in zip(plates, compared, strict=True)
        },
        "dtssd": dtssd,
        "moving": moving.title,
        "tally": tally(by_title, dtssd["new"], dtssd["old"]),
    }
    return figures, compared


def _own_shot(
    keyers: list[Keyer], plate: FrameSequence | None, hint: FrameSequence | None, width: int
) -> list[ShotFrame]:
    """Keys the user's shot; returns nothing without one."""
    if not plate:
        return []
    with Steps()("Key your shot"):
        return key_shot(keyers, plate, hint, width)


def _without_pictures(frames: list[ShotFrame]) -> list[dict[str, Any]]:
    """Returns the figures of each frame."""
    return [
        {"frame": one.frame, "change": one.change, "difference": one.difference} for one in frames
    ]


if __name__ == "__main__":
    run(main)
