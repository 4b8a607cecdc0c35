"""The refiner of the demo weights: adds to the coarse key the detail that its grid lost.

The coarse key knows the screen, but its pixels are 4x4. The refiner makes a key of its own at full
resolution, with a fixed brightness of the screen, and takes from it only what a blur removes:

    plate --> key --------------+
                |               v
                +--> blur ---> detail, bounded where the coarse key is sure --+
                                                                              v
    coarse key -------------------------------------------------------------> + --> fine key

Each of the four blocks is two hidden layers. Signals live in the residual stream, all of them >= 0
because a ReLU follows each block:

    stem   the seven inputs, and which of the other two colors is larger
    res1   linear light; key at full resolution
    res2   that key blurred (dilation 2); plate less screen; inverse sigmoid of the coarse matte
    res3   fine matte; inverse sigmoid of the fine foreground
    res4   inverse sigmoid of the fine matte and the coarse foreground; `final` subtracts

GroupNorm divides each group of eight channels by their common deviation. As in the encoder, two
channels of each group hold large constants, so that six carry signals: 48 of the 64.
"""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from testing.weights.curves import (
    BRIGHTENING,
    COLOR_LOGIT,
    LIGHT,
    LIGHT_LOGIT,
    LOG_COVERAGE,
    MATTE_LOGIT,
    SCREEN,
    SCREEN_LIGHT,
)
from testing.weights.demo_encoder import MEAN, STD, Arrays
from testing.weights.forms import BLURRED, Form, HiddenLayer, signal

_K = 128.0
_CHANNELS = [channel for channel in range(64) if channel % 8 < 6]
"""Channels that carry signals; the last two of each group of eight hold constants."""
_INPUTS = ("red", "green", "blue", "matte", "coarse red", "coarse green", "coarse blue")
_COLORS = ("red", "green", "blue")
_GAIN = 1.2
"""How much the detail of the matte is strengthened, against what the threshold takes off."""
_THRESHOLD = 0.06
"""Least detail: smaller differences are noise, or the shoulder of a soft edge."""
_SURE = 0.01
"""Where the coarse matte is this close to 0 or 1, no detail is added."""
_OPENING = 4.0
"""How fast the bound on the detail opens from there on."""
_LEVELS = (0.005, 0.995)
"""Values of the fine matte below the first become 0, above the second 1."""
_BORDER = 16.0
"""Closes the bound near the border of the frame, where the blur sees black outside."""
_REMOVED = 0.9
"""How much of the screen is taken off the foreground; a despill finds the rest."""
_OFFSET = 8.0
"""Added to logits in the stream, so that they are positive."""
_SCALE = 0.1
"""And multiplied. The refiner multiplies its result by 10."""

Layers = tuple[HiddenLayer, dict[str, Form]]


def refiner(key: str, others: Sequence[str]) -> Arrays:
    """Returns the tensors of the refiner that are not zero; arguments as for `encoder`."""
    stem = _stem(others)
    descriptions = (_key(key, others), _blur(key, others), _fine(), _logits())
    stream = list(dict.fromkeys(itertools.chain(stem, *(outputs for _, outputs in descriptions))))
    slots = dict(zip(stream, _CHANNELS, strict=False))

    inputs = {name: channel for channel, name in enumerate(_INPUTS)}
    tensors = _convolution("refiner.stem.0", "refiner.stem.1", stem, inputs, slots)
    weight, bias = tensors["refiner.stem.0.weight"], tensors["refiner.stem.0.bias"]
    # The plate comes normalized.
    for channel in range(3):
        bias += weight[:, channel, 1, 1] * MEAN[channel]
        weight[:, channel] *= STD[channel]
    for number, (layer, outputs) in enumerate(descriptions, 1):
        name = f"refiner.res{number}"
        hidden = dict(zip(layer.units, _CHANNELS, strict=False))
        tensors |= _convolution(f"{name}.conv1", f"{name}.gn1", layer.units, slots, hidden)
        tensors |= _convolution(f"{name}.conv2", f"{name}.gn2", outputs, hidden, slots)
    final = np.zeros((4, 64, 1, 1))
    for row, name in zip(final, ("matte", *_COLORS), strict=True):
        row[slots[f"fine logit {name}"]] = 1
        row[slots[f"coarse logit {name}"]] = -1
    return tensors | {"refiner.final.weight": final}


def _stem(others: Sequence[str]) -> dict[str, Form]:
    return {name: signal(name) for name in _INPUTS} | {
        "excess": signal(others[1]) - signal(others[0]),
        "one": Form({}, 1.0),
    }


def _key(key: str, others: Sequence[str]) -> Layers:
    layer = HiddenLayer()
    light = {color: LIGHT.of(signal(color), layer) for color in _COLORS}
    larger = LIGHT.of(signal(others[0]) + signal("excess"), layer)
    difference = light[key] - larger
    return layer, {
        "covered": 1 - (1 / SCREEN) * difference,
        "screen": (1 / SCREEN) * difference,
        "over-covered": (-1 / SCREEN) * difference,
        **{f"light {color}": form for color, form in light.items()},
    }


def _blur(key: str, others: Sequence[str]) -> Layers:
    layer = HiddenLayer()
    matte = signal("matte")
    bound = (
        layer.relu(matte - _SURE) - 2 * layer.relu(matte - 0.5) + layer.relu(matte - (1 - _SURE))
    )
    inside = layer.blurred(signal("one"))
    screen = dict(zip((key, *others), SCREEN_LIGHT, strict=True))
    return layer, {
        BLURRED + "covered": layer.blurred(signal("covered") - signal("over-covered")),
        "bound": _OPENING * bound - _BORDER * (1 - inside),
        "coarse logit matte": _stored(MATTE_LOGIT.of(matte, layer)),
        **{
            f"clean {color}": layer.relu(
                signal(f"light {color}") - _REMOVED * screen[color] * signal("screen")
            )
            for color in _COLORS
        },
    }


def _fine() -> Layers:
    layer = HiddenLayer()
    detail = _GAIN * (signal("covered") - signal("over-covered") - signal(BLURRED + "covered"))
    bound = signal("bound")
    # Nothing from -threshold to +threshold; beyond, no more than the bound.
    bounded = (
        layer.relu(detail - _THRESHOLD)
        - layer.relu(detail - _THRESHOLD - bound)
        - layer.relu(-1.0 * detail - _THRESHOLD)
        + layer.relu(-1.0 * detail - _THRESHOLD - bound)
    )
    low, high = _LEVELS
    outputs = {"fine matte": (layer.relu(signal("matte")) + bounded - low) * (1 / (high - low))}
    # Of the screen's part of a pixel, which is 1 less its coverage.
    brightening = -BRIGHTENING * LOG_COVERAGE.of(signal("screen"), layer)
    for color in _COLORS:
        logit = LIGHT_LOGIT.of(signal(f"clean {color}"), layer)
        outputs[f"fine logit {color}"] = _stored(logit + brightening)
    return layer, outputs


def _logits() -> Layers:
    layer = HiddenLayer()
    outputs = {"fine logit matte": _stored(MATTE_LOGIT.of(signal("fine matte"), layer))}
    for color in _COLORS:
        logit = COLOR_LOGIT.of(signal(f"coarse {color}"), layer)
        outputs[f"coarse logit {color}"] = _stored(logit)
    return layer, outputs


def _stored(logit: Form) -> Form:
    return _SCALE * (logit + _OFFSET)


def _convolution(
    name: str,
    norm: str,
    outputs: Mapping[str, Form],
    inputs: Mapping[str, int],
    slots: Mapping[str, int],
) -> Arrays:
    """Makes a convolution of linear forms, and the GroupNorm that leaves its result unchanged."""
    point = np.zeros((3, 3))
    point[1, 1] = 1
    binomial = np.outer((1, 2, 1), (1, 2, 1)) / 16
    weight = np.zeros((64, len(inputs) if inputs.keys() == set(_INPUTS) else 64, 3, 3))
    bias = np.zeros(64)
    for output, form in outputs.items():
        kernel = binomial if output.startswith(BLURRED) else point
        for source, factor in form.weights.items():
            weight[slots[output], inputs[source]] = factor * kernel
        bias[slots[output]] = form.constant
    norm_weight = np.zeros(64)
    for group in range(0, 64, 8):
        bias[group + 6], bias[group + 7] = _K, -_K
        for tensor in (weight, bias):
            total = sum(tensor[group : group + 6], np.zeros_like(tensor[0]))
            tensor[group + 6 : group + 8] -= total / 2
        # The deviation of K, -K and six small values is K/2.
        norm_weight[group : group + 6] = _K / 2
    return {
        f"{name}.weight": weight,
        f"{name}.bias": bias,
        f"{norm}.weight": norm_weight,
    }
