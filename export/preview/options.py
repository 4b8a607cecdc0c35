"""Types of the preview's command-line options, and the options that follow from the knobs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from export.common.printable import printable
from export.pictures.frame_sequence import FrameSequence, SequenceError, frame_sequence
from export.pictures.movies.movie_writer import REVIEW_SUFFIX
from wrapper.knobs import KNOBS, Knob, KnobKind

KNOB_OPTIONS = [knob for knob in KNOBS if knob.name != "output_mode"]
"""Knobs that are options. The output mode is not: the EXR has a layer for each mode."""


class Frames(click.ParamType):
    """Parameter type for the text that `frame_sequence` reads."""

    name = "FRAMES"

    def convert(self, value: Any, *_: object) -> FrameSequence:
        """Converts text; raises click.BadParameter if it is not understood."""
        try:
            return frame_sequence(value)
        except SequenceError as error:
            raise click.BadParameter(f"{error}.") from None


class Review(click.ParamType):
    """Parameter type for the path of a review movie."""

    name = "FILE"

    def convert(self, value: Any, *_: object) -> Path:
        """Converts text; raises click.BadParameter if the suffix is not one that can be written."""
        path = Path(value)
        if path.suffix.lower() != REVIEW_SUFFIX:
            raise click.BadParameter(f"{printable(str(path))} does not end in {REVIEW_SUFFIX}.")
        return path


class Chunk(click.ParamType):
    """Parameter type for a part of the frames, such as 3/10."""

    name = "K/N"

    def convert(self, value: Any, *_: object) -> tuple[int, int]:
        """Converts text; raises click.BadParameter if it is not understood."""
        if isinstance(value, tuple):
            return value
        number, _, count = value.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise click.BadParameter(f"{value!r} is not a chunk; expected the form 3/10.")
        return int(number), int(count)


def knob_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an option for each knob to a command."""
    for knob in reversed(KNOB_OPTIONS):
        command = _knob_option(knob)(command)
    return command


def knob_values(options: dict[str, str | float | None]) -> dict[str, float]:
    """Returns the knobs' values from the values of their options; leaves out options not given."""
    return {
        knob.name: knob.labels.index(value) if isinstance(value, str) else value
        for knob in KNOB_OPTIONS
        if (value := options[knob.name]) is not None
    }


def _knob_option(knob: Knob) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Returns the decorator that adds the option of one knob."""
    option = f"--{knob.name.replace('_', '-')}"
    if knob.name == "gamma_input":
        return click.option(
            option,
            type=click.Choice(knob.labels, case_sensitive=False),
            show_default="Linear for EXR and float TIFF, else sRGB",
            help=knob.tooltip,
        )
    if knob.kind is KnobKind.ENUMERATION:
        choice = click.Choice(knob.labels, case_sensitive=False)
        default = knob.labels[int(knob.default)]
        return click.option(
            option, type=choice, default=default, show_default=True, help=knob.tooltip
        )
    bounds = click.FloatRange(knob.minimum, knob.maximum)
    return click.option(
        option, type=bounds, default=knob.default, show_default=True, help=knob.tooltip
    )
