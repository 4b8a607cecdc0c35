"""Compares a saved file with the eager network it was made from: same picture, live knobs."""

import contextlib
import dataclasses
import types
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from export.tracing.plate import green_screen_plate
from export.tracing.tracing import with_network
from wrapper.knobs import KNOBS, Knob, KnobKind
from wrapper.nuke_wrapper import CorridorKeyNukeWrapper

PLATE_HEIGHT, PLATE_WIDTH = 1080, 1920
"""Size of the plate; it is wider for a network whose image is not smaller."""

TOLERANCE = 1e-5
"""Largest accepted difference from the eager network, for outputs in [0, 1]. Both run the same
operators on the same machine; the tolerance allows for another order of additions."""

_EVERY_KNOB = frozenset(knob.name for knob in KNOBS)


class ValidationError(Exception):
    """A file does not behave as its network does; the message says how."""


@dataclasses.dataclass(frozen=True)
class Validation:
    """Figures of a file that passed. Each difference is the largest over all channels and pixels.

    Attributes:
        difference: Difference from the eager network, with every knob at its default.
        difference_when_moved: Difference from the eager network, with every knob moved.
        moved_by: Change by knob, when that knob alone is put back: of the network's input if the
            knob changes that, else of the output.
        means: Mean of red, green, blue and matte, with every knob at its default; they show at a
            glance whether two files key alike.
    """

    difference: float
    difference_when_moved: float
    moved_by: dict[str, float]
    means: list[float]


def plate_size(resolution: int) -> tuple[int, int]:
    """Returns height and width of the plate for a network of a resolution.

    The plate is wider than the network's image; otherwise the key has no detail to add.
    """
    return PLATE_HEIGHT, max(PLATE_WIDTH, resolution + resolution // 8)


def validate(
    path: Path,
    eager: CorridorKeyNukeWrapper,
    step: Callable[[str], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Validation:
    """Checks that a saved file keys a green-screen plate as the eager network does.

    The file runs twice: with every knob at its default, and with every knob moved. So does the
    eager network: four passes in all, however many knobs there are.

    Args:
        path: A .pt file.
        eager: Wrapper around the network that the file was traced from.
        step: Called with a name and entered for each part of the work, to show progress.

    Raises:
        ValidationError: The file does not run, breaks the contract of its output, differs from
            the eager network, or has a knob without effect.
    """
    plate = _with_highlight_and_speck(green_screen_plate(*plate_size(eager.resolution)))
    eager = _with_memory(eager)
    with step("Key a plate with the eager network"):
        at_defaults = _key(eager, plate, frozenset())
        _key(eager, plate, _EVERY_KNOB)

    try:
        with step("Key it with the saved file"):
            saved = torch.jit.load(path)
            key = _key(saved, plate, frozenset())
            difference = _difference(key, at_defaults)
        if difference > TOLERANCE:
            raise ValidationError(f"the output is {difference:.2g} off the eager network's")
        with step("Key it with the saved file and every knob moved"):
            moved_key = _key(saved, plate, _EVERY_KNOB)
    except RuntimeError as error:
        raise ValidationError(f"it does not run: {error}") from error

    with step("Look for each knob in its output"):
        difference_when_moved, moved_by = _check_knobs(moved_key, eager, plate)
    return Validation(difference, difference_when_moved, moved_by, key.mean((0, 2, 3)).tolist())


def _with_highlight_and_speck(plate: Tensor) -> Tensor:
    """Returns the plate with a bright spot on the head and a small red square on the screen."""
    height, width = plate.shape[2:]
    y, x, side = height * 3 // 8, width // 2, height // 60
    plate[:, :3, y : y + side, x : x + side] = 4.0
    plate[:, :, :side, :side] = torch.tensor([0.6, 0.1, 0.1, 1.0]).view(1, 4, 1, 1)
    return plate


def _check_knobs(
    output: Tensor, eager: CorridorKeyNukeWrapper, plate: Tensor
) -> tuple[float, dict[str, float]]:
    """Checks that an output made with every knob moved obeys every knob.

    It must be the eager network's output with every knob moved, which differs from the one with all
    but one moved. A knob that changes what the network sees is looked for there, because another
    pass through the network takes a minute.

    Returns:
        The difference from the eager network, and the change by knob.

    Raises:
        ValidationError: A knob has no effect, or the output differs from the eager network's.
    """

    def distance(moved: frozenset[str]) -> float:
        return _difference(output, _key(eager, plate, moved))

    difference = distance(_EVERY_KNOB)
    if difference > TOLERANCE:
        dead = _dead_knobs(distance)
        if dead:
            raise ValidationError(f"the output does not change with {' and '.join(sorted(dead))}")
        raise ValidationError(
            f"with knobs moved, the output is {difference:.2g} off the eager network's"
        )
    seen = _network_input(eager, plate, _EVERY_KNOB)
    moved_by = {}
    for knob in KNOBS:
        others = _EVERY_KNOB - {knob.name}
        change = _difference(seen, _network_input(eager, plate, others))
        moved_by[knob.name] = change or distance(others)
    # A knob that does nothing here with these weights, as despeckle without specks, is left out.
    unseen = [name for name, change in moved_by.items() if 0 < change <= difference]
    if unseen:
        raise ValidationError(f"the output does not change with {' and '.join(sorted(unseen))}")
    return difference, moved_by


def _dead_knobs(distance: Callable[[frozenset[str]], float]) -> frozenset[str]:
    """Returns the knobs that an output does not obey, or none if that does not explain it.

    Args:
        distance: Distance of the output from the eager network's with some knobs moved.
    """
    if distance(frozenset()) <= TOLERANCE:
        return _EVERY_KNOB
    obeyed, off = _EVERY_KNOB, distance(_EVERY_KNOB)
    while off > TOLERANCE:
        nearer, obeyed = min(
            ((distance(obeyed - {name}), obeyed - {name}) for name in obeyed),
            key=lambda found: (found[0], sorted(found[1])),
        )
        if nearer > off or not obeyed:
            return frozenset()
        off = nearer
    return _EVERY_KNOB - obeyed


class _SeenError(Exception):
    """Ends a pass when the network would run; its argument is what the network would see."""


def _network_input(eager: CorridorKeyNukeWrapper, plate: Tensor, moved: frozenset[str]) -> Tensor:
    """Returns what the network sees of a plate with some knobs moved."""

    def see(rgb_hint: Tensor) -> Tensor:
        raise _SeenError(rgb_hint)

    blind = with_network(eager, types.SimpleNamespace(coarse_logits=see))
    try:
        _key(blind, plate, moved)
    except _SeenError as seen:
        return seen.args[0]
    raise AssertionError("the wrapper did not run its network")


def _with_memory(eager: CorridorKeyNukeWrapper) -> CorridorKeyNukeWrapper:
    """Returns a wrapper whose network runs once for equal inputs."""
    network = types.SimpleNamespace(
        coarse_logits=_remembering(eager.network.coarse_logits),
        delta_logits=_remembering(eager.network.delta_logits),
    )
    return with_network(eager, network)


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


def _key(module: nn.Module, plate: Tensor, moved: frozenset[str]) -> Tensor:
    """Keys the plate with the named knobs moved and the others at their defaults."""
    for knob in KNOBS:
        setattr(module, knob.name, _moved_value(knob) if knob.name in moved else knob.default)
    output = module(plate)
    if output.dtype != plate.dtype or output.shape != plate.shape:
        raise ValidationError(
            f"the output is {output.dtype} {list(output.shape)}; "
            f"expected {plate.dtype} {list(plate.shape)}"
        )
    largest = torch.finfo(torch.half).max if "highlights" in moved else 1.0
    if not bool(((output >= 0) & (output <= largest)).all()):  # False for NaN, too.
        raise ValidationError(f"the output is not between 0 and {largest:g} everywhere")
    return output


def _moved_value(knob: Knob) -> float | int:
    """Returns the bound farther from the default for an enumeration, half way there for a float."""
    farther = max(knob.minimum, knob.maximum, key=lambda bound: abs(bound - knob.default))
    return farther if knob.kind is KnobKind.ENUMERATION else (knob.default + farther) / 2


def _difference(one: Tensor, other: Tensor) -> float:
    return (one - other).abs().max().item()
