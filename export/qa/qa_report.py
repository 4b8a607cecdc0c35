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
from export.pictures.keyer import Keyer, ModelError
from export.pictures.synthetic_plates import RECIPES, synthetic_plate
from export.qa.judged import Judged
from export.qa.knob_sweep import sweep_knob
from export.qa.matting_errors import MattingErrors, mean_errors
from export.qa.plate_section import STAGES, judge_plate
from export.qa.qa_page import render
from wrapper.knobs import KNOBS

_ASPECT = 16 / 9
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
def main(model_file: Path, output: Path, width: int, names: tuple[str, ...], device: str) -> None:
    """Keys synthetic green-screen plates, whose true alpha is known, and reports the results.

    The page contains all pictures and needs no network. A failed run writes nothing.
    """
    if output.suffix.lower() != ".html":
        raise click.BadParameter(f"{output} does not end in .html.", param_hint="--output")
    plates = [name for name in RECIPES if not names or name in names]
    try:
        with contextlib.ExitStack() as stack:
            page, figures = (
                stack.enter_context(replacing(path))
                for path in (output, output.with_suffix(".json"))
            )
            content, judged_plates, sweeps = _report(model_file, device, plates, width)
            figures.write_text(to_json(json.loads(json.dumps(content, default=dataclasses.asdict))))
            page.write_text(
                render(
                    **content,
                    recipes=RECIPES,
                    measures=[field.name for field in dataclasses.fields(MattingErrors)],
                    plates=[plate.section for plate in judged_plates],
                    knobs=[sweep.section for sweep in sweeps],
                )
            )
    except (ManifestError, ModelError, OSError) as error:
        raise click.ClickException(str(error)) from None
    except RuntimeError as error:  # from torch, such as too little memory on the device
        reason = str(error).splitlines()[0]
        raise click.ClickException(f"{model_file} does not run on {device}: {reason}") from None
    size = output.stat().st_size / 1e6
    click.echo(f"Wrote {output} ({size:.1f} MB) and {output.with_suffix('.json').name}")


def _report(
    model_file: Path, device: str, plates: list[str], width: int
) -> tuple[dict[str, Any], list[Judged], list[Judged]]:
    """Keys every plate and sweeps every knob.

    Args:
        model_file: The CorridorKey.pt.
        device: Device to run on.
        plates: Names of recipes.
        width: Width of the plates in pixels.

    Returns:
        The figures, the judged plates and the judged knobs.

    Raises:
        ManifestError: The file has no manifest.
        ModelError: The file is not a CorridorKey.pt.
        OSError: The file cannot be read.
        RuntimeError: The file does not run on the device.
    """
    steps = Steps()
    height = round(width / _ASPECT)
    with steps("Load the file"):
        keyer = Keyer(model_file, device)
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


if __name__ == "__main__":
    run(main)
