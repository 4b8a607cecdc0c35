"""The decoder heads of the demo weights: a color-difference key, and a foreground without screen.

A pixel that is covered by `a` has a color difference of d = (1 - a) D, where D is that of the
screen. So a = (D - d) / D, and its inverse sigmoid, which a head must compute, is

    log(a / (1 - a)) = log(D - d) - log(d)

two curves of one variable each. Only then does the hint speak: it adds where it is sure.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from testing.weights.curves import (
    BRIGHTENING,
    FINE_COLOR_LOGIT,
    LOG_COVERAGE,
    LOG_MATTE,
    LOG_SCREEN,
    SCREEN,
)
from testing.weights.demo_encoder import LEAST_SCREEN, STAGE_1, STAGE_3, color_difference
from testing.weights.forms import Form, HiddenLayer, signal

_FRINGE = 0.85
"""How much of the screen's excess in sRGB is taken off the foreground; a despill finds the rest."""

_MARGIN = 1.03
"""Part of the clean plate that counts as the screen; the pixels of a screen vary."""
_SURE = 12.0
"""Logits that the hint adds or subtracts where it is sure."""
_SOLID = 0.97
"""The hint is sure of the subject from here to 1."""
_ALONE = 0.05
"""The hint is sure of the screen where its surroundings have less than this."""

Arrays = dict[str, np.ndarray]


def decoders(key: str, others: Sequence[str]) -> Arrays:
    """Returns the tensors of both heads that are not zero; arguments as for `encoder`."""
    return _head("alpha_decoder", _matte(key, others)) | _head(
        "fg_decoder", _foreground(key, others)
    )


def _matte(key: str, others: Sequence[str]) -> tuple[HiddenLayer, list[Form]]:
    layer = HiddenLayer()
    difference = color_difference(key, others)
    screen = _MARGIN * (signal("clean plate excess") + LEAST_SCREEN)
    logit = LOG_MATTE.of(screen - difference, layer) - LOG_SCREEN.of(difference, layer)
    solid = layer.relu(signal("hint") - _SOLID) - layer.relu(signal("hint") - 1)
    alone = layer.relu(_ALONE - signal("surroundings"))
    return layer, [logit + (_SURE / (1 - _SOLID)) * solid - (_SURE / _ALONE) * alone]


def _foreground(key: str, others: Sequence[str]) -> tuple[HiddenLayer, list[Form]]:
    layer = HiddenLayer()
    colors = {color: signal(color) for color in ("red", "green", "blue")}
    colors[key] -= _FRINGE * signal("fringe")
    screen = (1 / SCREEN) * color_difference(key, others)
    brightening = -BRIGHTENING * LOG_COVERAGE.of(screen, layer)
    return layer, [FINE_COLOR_LOGIT.of(color, layer) + brightening for color in colors.values()]


def _head(name: str, description: tuple[HiddenLayer, Sequence[Form]]) -> Arrays:
    layer, outputs = description
    levels: Mapping[str, Sequence[str]] = {"c1": STAGE_1, "c3": STAGE_3}
    projections = {"c1": np.zeros((256, 112)), "c3": np.zeros((256, 448))}
    bias = np.zeros(256)
    for index, form in enumerate(layer.units.values()):
        for signal_name, weight in form.weights.items():
            # Both levels have some signals; a head takes those from the finer one.
            level = "c1" if signal_name in STAGE_1 else "c3"
            projections[level][index, levels[level].index(signal_name)] = weight
        bias[index] = form.constant
    classifier = np.zeros((len(outputs), 256, 1, 1))
    units = list(layer.units)
    for row, form in zip(classifier, outputs, strict=True):
        for unit, weight in form.weights.items():
            row[units.index(unit)] = weight
    fuse = np.zeros((256, 1024, 1, 1))
    for block, level in enumerate(("c4", "c3", "c2", "c1")):
        if level in levels:
            fuse[:, 256 * block : 256 * (block + 1), 0, 0] = np.eye(256)
    return {
        f"{name}.linear_c1.proj.weight": projections["c1"],
        f"{name}.linear_c1.proj.bias": bias,
        f"{name}.linear_c3.proj.weight": projections["c3"],
        f"{name}.linear_fuse.weight": fuse,
        f"{name}.bn.weight": np.ones(256),
        f"{name}.bn.running_var": np.full(256, 1 - 1e-5),
        f"{name}.classifier.weight": classifier,
        f"{name}.classifier.bias": np.array([form.constant for form in outputs]),
    }
