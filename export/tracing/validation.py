"""A saved file against the eager network it was made from: same picture, live knobs."""

import contextlib
import dataclasses
import itertools
import types
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.tracing.plate import green_screen_plate
from wrapper.knobs import KNOBS, Knob, KnobKind
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

PLATE_HEIGHT, PLATE_WIDTH = 1080, 1920

TOLERANCE = 1e-5
"""Greatest difference from the eager network, where the output is 0 to 1. Both run the same
operators on the same machine; this leaves room for an executor that adds in another order."""


class ValidationError(Exception):
    """A file that does not do what it should; the message says how."""


@dataclasses.dataclass(frozen=True)
class Validation:
    """Figures of a file that passed; each is the greatest over all channels and pixels.

    Attributes:
        difference: From the eager network, with every knob at its default.
        difference_when_moved: From the eager network, with every knob moved.
        moved_by: By knob, how far it alone moved the output.
        means: Of red, green, blue and matte, with every knob at its default: to tell at a glance
            whether two files key alike.
    """

    difference: float
    difference_when_moved: float
    moved_by: dict[str, float]
    means: list[float]


def validate(
    path: Path,
    eager: CorridorKeyNukeWrapper,
    step: Callable[[str], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Validation:
    """Compares what a saved file makes of a green-screen plate with what it should.

    The file runs twice: every knob at its default, and every knob moved. The second output must be
    the eager network's with every knob moved, and not with all but one. If it is not, the subset of
    moved knobs whose answer is nearest tells which of them the file obeys. Only `gamma_input`
    changes what reaches the network, so that is four passes through it in all, however many knobs
    there are.

    Args:
        path: The file.
        eager: Around the network that the file was traced from.
        step: Called with a name and entered for each part of the work, to show progress.

    Raises:
        ValidationError: The file does not run, breaks the contract of its output, differs from
            the eager network, or has a knob that does nothing.
    """
    plate = green_screen_plate(PLATE_HEIGHT, PLATE_WIDTH)
    network: Any = types.SimpleNamespace(
        coarse_logits=_remembering(eager.network.coarse_logits),
        delta_logits=_remembering(eager.network.delta_logits),
    )
    eager = CorridorKeyNukeWrapper(network, eager.resolution, eager.model_id)
    every = frozenset(knob.name for knob in KNOBS)
    with step("Key a plate with the eager network"):
        at_defaults = _key(eager, plate, frozenset())
        all_moved = _key(eager, plate, every)

    try:
        with step("Key it with the saved file"):
            saved = torch.jit.load(path)
            key = _key(saved, plate, frozenset())
            difference = _difference(key, at_defaults)
        if difference > TOLERANCE:
            raise ValidationError(f"the output is {difference:.2g} off the eager network's")
        with step("Key it with the saved file and every knob moved"):
            output = _key(saved, plate, every)
    except RuntimeError as error:
        raise ValidationError(f"it does not run: {error}") from error

    def distance(moved: frozenset[str]) -> float:
        return _difference(output, _key(eager, plate, moved))

    with step("Look for each knob in its output"):
        difference_when_moved = _difference(output, all_moved)
        moved_by = {knob.name: distance(every - {knob.name}) for knob in KNOBS}
        if difference_when_moved > TOLERANCE or difference_when_moved >= min(moved_by.values()):
            obeyed = min(_subsets(every), key=distance)
            if obeyed != every:
                raise ValidationError(
                    f"the output does not move with {' and '.join(sorted(every - obeyed))}"
                )
            raise ValidationError(
                f"with knobs moved, the output is {difference_when_moved:.2g} off the eager "
                "network's"
            )
    return Validation(difference, difference_when_moved, moved_by, key.mean((0, 2, 3)).tolist())


def _remembering(method: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a method of tensors so that it runs once for equal arguments."""
    calls: list[tuple[tuple[Tensor, ...], Any]] = []

    def remembered(*args: Tensor) -> Any:
        for known, result in calls:
            if all(map(torch.equal, known, args)):
                return result
        calls.append((args, method(*args)))
        return calls[-1][1]

    return remembered


def _subsets(names: frozenset[str]) -> list[frozenset[str]]:
    """Every subset, the smaller ones first."""
    sizes = range(len(names) + 1)
    return [frozenset(some) for size in sizes for some in itertools.combinations(names, size)]


def _key(module: nn.Module, plate: Tensor, moved: frozenset[str]) -> Tensor:
    """Keys the plate with the named knobs moved and the others at their defaults."""
    for knob in KNOBS:
        setattr(module, knob.name, _moved_value(knob) if knob.name in moved else knob.default)
    output = module(plate)
    if output.dtype != plate.dtype or output.shape != plate.shape:
        raise ValidationError(
            f"the output is {output.dtype} {list(output.shape)}, "
            f"not {plate.dtype} {list(plate.shape)}"
        )
    if not bool(((output >= 0) & (output <= 1)).all()):  # NaN is neither
        raise ValidationError("the output is not between 0 and 1 everywhere")
    return output


def _moved_value(knob: Knob) -> float | int:
    """The bound farther from the default for an enumeration, half way there for a float."""
    farther = max(knob.minimum, knob.maximum, key=lambda bound: abs(bound - knob.default))
    return farther if knob.kind is KnobKind.ENUMERATION else (knob.default + farther) / 2


def _difference(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item()
