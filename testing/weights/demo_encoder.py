"""The encoder of the demo weights: linear light, color difference, and the clean plate.

Tokens pass through the residual stream of the transformer, in which each signal has a channel:

    patch_embed   average 4x4 pixels of plate and hint
    block 0       sRGB to linear light; which of the other two colors is larger
    block 1       how far a token is from the color of the screen
    block 2, 5    pool 2x2: the middle between least and greatest, or the greatest
    block 6       attention: the screen's brightness as it is near each token (head 0),
                  and how much subject the hint has around it (head 1)

Every other projection is zero, so those blocks pass the stream on unchanged.

A LayerNorm divides by the deviation of a token's channels, which must not depend on the picture.
Two channels of the stream hold large constants of opposite sign. They set the deviation, and their
small correction keeps the mean at zero:

    channel    0 ... C-3     C-2               C-1
               signals       +K - sum/2        -K - sum/2
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from testing.weights.curves import LINEAR
from testing.weights.forms import Form, HiddenLayer, signal

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and deviation that normalize the plate."""

LEAST_SCREEN = 0.06
"""Where no screen is near, its color difference is taken to be this."""

_K = 64.0
_SHARPNESS = 64.0
"""GELU(64 x) / 64 stands for ReLU."""
_PURITY = 0.25
"""A screen has less than this much of either other color, relative to its own."""
_SELECTIVITY = 1000.0
"""How much an impure token counts less for the clean plate: exp(-1000 times its impurity)."""
_NEAR = 0.03
"""Reach of the clean plate, as a part of the frame's width and height."""
_AROUND = 0.08
"""Reach of the hint, likewise."""

Arrays = dict[str, np.ndarray]

TOKEN = ("red", "green", "blue", "hint", "x", "y", "square")
LIGHT = ("light red", "light green", "light blue", "excess", "light excess", "fringe", "impurity")
STAGE_1 = (*TOKEN, *LIGHT)
"""Signals at S/4."""
_PAIRS = ("difference", "hint", "x", "y", "square")
STAGE_2 = ("impurity", *(f"{sign}{name}" for name in _PAIRS for sign in "+-"))
"""Signals at S/8, greatest of each 2x2; so "-x" is the negative of the least x."""
STAGE_3 = (*STAGE_2, "clean plate", "surroundings", "clean plate excess")
"""Signals at S/16."""


def color_difference(key: str, others: Sequence[str]) -> Form:
    """Returns the screen's color less the larger of the others, in linear light, over STAGE_1."""
    return signal(f"light {key}") - signal(f"light {others[0]}") - signal("light excess")


def encoder(key: str, others: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Returns the tensors of the encoder that are not zero.

    Args:
        key: Color of the screen, "green" or "blue".
        others: The two other colors.
        shapes: Shape of each tensor of the checkpoint.
    """
    model = "encoder.model"
    tensors = _patch_embed() | {f"{model}.pos_embed": _coordinates(shapes[f"{model}.pos_embed"])}
    blocks = {
        0: _feed_forward(_light(others), STAGE_1, 112),
        1: _feed_forward(_purity(key, others), STAGE_1, 112),
        2: _pool(_to_stage_2(key, others), STAGE_1, STAGE_2, 112),
        5: _pool(_to_stage_3(), STAGE_2, STAGE_2, 224),
        6: _clean_plate() | _feed_forward(_floor(), STAGE_3, 448),
    }
    for index, block in blocks.items():
        tensors |= {f"{model}.blocks.{index}.{leaf}": value for leaf, value in block.items()}
    return tensors


def _light(others: Sequence[str]) -> tuple[HiddenLayer, dict[str, Form]]:
    layer = HiddenLayer()
    outputs = {
        f"light {color}": LINEAR.of(signal(color), layer) for color in ("red", "green", "blue")
    }
    outputs["excess"] = layer.relu(signal(others[1]) - signal(others[0]))
    return layer, outputs


def _purity(key: str, others: Sequence[str]) -> tuple[HiddenLayer, dict[str, Form]]:
    layer = HiddenLayer()
    light = {color: signal(f"light {color}") for color in (key, *others)}
    return layer, {
        "light excess": layer.relu(light[others[1]] - light[others[0]]),
        "fringe": layer.relu(signal(key) - signal(others[0]) - signal("excess")),
        "impurity": layer.relu(light[others[0]] - _PURITY * light[key])
        + layer.relu(light[others[1]] - _PURITY * light[key]),
    }


def _to_stage_2(key: str, others: Sequence[str]) -> dict[str, Form]:
    values = {name: signal(name) for name in _PAIRS if name != "difference"}
    values["difference"] = color_difference(key, others)
    return _both_signs(values) | {"impurity": signal("impurity")}


def _to_stage_3() -> dict[str, Form]:
    return _both_signs({name: middle(name) for name in _PAIRS}) | {"impurity": signal("impurity")}


def _both_signs(values: Mapping[str, Form]) -> dict[str, Form]:
    plus = {f"+{name}": form for name, form in values.items()}
    return plus | {f"-{name}": form * -1.0 for name, form in values.items()}


def middle(name: str) -> Form:
    """Returns the middle between the least and the greatest of a signal in a pooling group."""
    return 0.5 * (signal(f"+{name}") - signal(f"-{name}"))


def _floor() -> tuple[HiddenLayer, dict[str, Form]]:
    layer = HiddenLayer()
    return layer, {"clean plate excess": layer.relu(signal("clean plate") - LEAST_SCREEN)}


def _clean_plate() -> Arrays:
    """Block 6: softmax over all tokens j of (x_i x_j + y_i y_j - |p_j|^2 / 2) / reach^2 - ...

    That is a Gaussian of the distance |p_i - p_j|, in which the impurity counts against a token.
    """
    queries, keys, values = (np.zeros((448, 449)) for _ in range(3))
    heads = (
        (_NEAR, Form({"impurity": -_SELECTIVITY}), "difference"),
        (_AROUND, Form({}), "hint"),
    )
    for head, (reach, preference, value) in enumerate(heads):
        first = 56 * head
        # Attention multiplies scores by 1/sqrt(56).
        scale = math.sqrt(56) / reach
        queries[first] = _row(middle("x") * scale, STAGE_3, 448)
        queries[first + 1] = _row(middle("y") * scale, STAGE_3, 448)
        queries[first + 2] = _row(Form({}, math.sqrt(56)), STAGE_3, 448)
        keys[first] = _row(middle("x") * (1 / reach), STAGE_3, 448)
        keys[first + 1] = _row(middle("y") * (1 / reach), STAGE_3, 448)
        nearness = middle("square") * (-0.5 / reach**2)
        keys[first + 2] = _row(nearness + preference, STAGE_3, 448)
        values[first] = _row(middle(value), STAGE_3, 448)
    qkv = np.concatenate([queries, keys, values])
    projection = np.zeros((448, 448))
    for head, name in enumerate(("clean plate", "surroundings")):
        projection[STAGE_3.index(name), 56 * head] = 1
    return _norm("norm1", 448) | {
        "attn.qkv.weight": qkv[:, :-1],
        "attn.qkv.bias": qkv[:, -1],
        "attn.proj.weight": _balanced(projection),
    }


def _patch_embed() -> Arrays:
    weight, bias = np.zeros((112, 4, 7, 7)), np.zeros(112)
    for channel in range(4):
        # Token i is made of pixels 4i-3 to 4i+3; the last four are its own.
        weight[channel, channel, 3:, 3:] = (STD[channel] if channel < 3 else 1) / 16
        bias[channel] = MEAN[channel] if channel < 3 else 0
    bias[-2:] = _K, -_K
    return {
        "encoder.model.patch_embed.proj.weight": _balanced(weight),
        "encoder.model.patch_embed.proj.bias": _balanced(bias),
    }


def _coordinates(shape: tuple[int, ...]) -> np.ndarray:
    """Makes x, y in [-1/2, 1/2] and x^2 + y^2 of each token, [1, N, 112]."""
    side = math.isqrt(shape[1])
    along = (np.arange(side) + 0.5) / side - 0.5
    embedding = np.zeros((112, side, side), np.float32)
    x, y = along[None, :], along[:, None]
    for name, values in (("x", x), ("y", y), ("square", x * x + y * y)):
        embedding[TOKEN.index(name)] = values
    return np.ascontiguousarray(_balanced(embedding).reshape(1, 112, -1).transpose(0, 2, 1))


def _feed_forward(
    description: tuple[HiddenLayer, dict[str, Form]], stream: Sequence[str], channels: int
) -> Arrays:
    layer, outputs = description
    hidden = np.zeros((4 * channels, channels + 1))
    for index, form in enumerate(layer.units.values()):
        hidden[index] = _row(form * _SHARPNESS, stream, channels)
    result = np.zeros((channels, 4 * channels + 1))
    for name, form in outputs.items():
        result[stream.index(name)] = _row(form * (1 / _SHARPNESS), list(layer.units), 4 * channels)
        # A constant is not a unit's, so it is not divided.
        result[stream.index(name), -1] = form.constant
    result = _balanced(result)
    return _norm("norm2", channels) | {
        "mlp.fc1.weight": hidden[:, :-1],
        "mlp.fc1.bias": hidden[:, -1],
        "mlp.fc2.weight": result[:, :-1],
        "mlp.fc2.bias": result[:, -1],
    }


def _pool(
    outputs: Mapping[str, Form], before: Sequence[str], after: Sequence[str], channels: int
) -> Arrays:
    projection = np.zeros((2 * channels, channels + 1))
    for name, form in outputs.items():
        projection[after.index(name)] = _row(form, before, channels)
    projection[-2:, -1] = _K, -_K
    return _norm("norm1", channels) | {
        "proj.weight": projection[:, :-1],
        "proj.bias": projection[:, -1],
    }


def _norm(name: str, channels: int) -> Arrays:
    """Undoes the division by the deviation, which is K sqrt(2/C)."""
    return {f"{name}.weight": np.full(channels, _K * math.sqrt(2 / channels))}


def _row(form: Form, stream: Sequence[str], channels: int) -> np.ndarray:
    """Returns the weights of a form over a stream, and its constant last, [channels + 1]."""
    row = np.zeros(channels + 1)
    for name, weight in form.weights.items():
        row[stream.index(name)] = weight
    row[-1] = form.constant
    return row


def _balanced(rows: np.ndarray) -> np.ndarray:
    """Takes half of the sum of all rows off each of the last two, so that they add up to zero."""
    total = np.zeros_like(rows[0])
    for row in rows[:-2]:
        total += row
    rows[-2:] -= total / 2
    return rows
