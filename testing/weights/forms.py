"""Linear forms, ReLU units and piecewise-linear functions: the language of the demo weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Form:
    """A linear form: a weighted sum of named signals, plus a constant.

    Attributes:
        weights: Weight of each signal, by name.
        constant: The constant term.
    """

    weights: dict[str, float]
    constant: float = 0.0

    def __add__(self, other: Form | float) -> Form:
        other = _form(other)
        names = self.weights | other.weights
        total = {name: self.weights.get(name, 0.0) + other.weights.get(name, 0.0) for name in names}
        return Form(total, self.constant + other.constant)

    def __sub__(self, other: Form | float) -> Form:
        return self + _form(other) * -1.0

    def __rsub__(self, other: float) -> Form:
        return _form(other) - self

    def __mul__(self, factor: float) -> Form:
        weights = {name: weight * factor for name, weight in self.weights.items()}
        return Form(weights, self.constant * factor)

    __radd__ = __add__
    __rmul__ = __mul__


def signal(name: str) -> Form:
    """Returns the form that is one signal."""
    return Form({name: 1.0})


def _form(value: Form | float) -> Form:
    return value if isinstance(value, Form) else Form({}, value)


BLURRED = "blurred "
"""Names that start with this are of signals that a convolution blurs."""


class HiddenLayer:
    """Rectified units, in the order in which a description asks for them.

    Attributes:
        units: Input of each unit by its name; a unit's output is max(input, 0).
    """

    def __init__(self) -> None:
        self.units: dict[str, Form] = {}

    def relu(self, form: Form) -> Form:
        """Adds a unit, and returns its output as a form over the units of this layer."""
        return self._add(f"unit {len(self.units)}", form)

    def blurred(self, form: Form) -> Form:
        """Adds a unit whose input is blurred, for a layer that is a convolution."""
        return self._add(f"{BLURRED}unit {len(self.units)}", form)

    def _add(self, name: str, form: Form) -> Form:
        self.units[name] = form
        return signal(name)


class PiecewiseLinear:
    """A piecewise-linear function of one variable, made of ReLU units.

    The units left of the anchor open to the left, those right of it to the right. So near the
    anchor few units are active, and a steep part far away costs no precision there.

        value
          |                    ___   flat outside, unless `extended`
          |                __--
          |             _/
          |           _/ |
          |     ___--    |
          +--------------+--------------- x
           x0   x1  x2  anchor  x4 ...

    Args:
        knots: Where the slope changes, ascending.
        values: Value at each knot.
        anchor: Index of the knot from which units open to both sides.
        extended: Continue the last slope beyond the last knot, where it is flat otherwise.
    """

    def __init__(
        self,
        knots: Sequence[float],
        values: Sequence[float],
        anchor: int,
        *,
        extended: bool = False,
    ) -> None:
        slopes = [
            (values[i + 1] - values[i]) / (knots[i + 1] - knots[i]) for i in range(len(knots) - 1)
        ]
        right = [0.0, *slopes[anchor:], *([] if extended else [0.0])]
        left = [0.0, *reversed(slopes[:anchor]), 0.0]
        self._constant = values[anchor]
        changes = [
            *((1.0, knots[anchor + i], right[i + 1] - right[i]) for i in range(len(right) - 1)),
            *((-1.0, knots[anchor - i], left[i] - left[i + 1]) for i in range(len(left) - 1)),
        ]
        self._changes = [change for change in changes if change[2]]

    def of(self, x: Form, layer: HiddenLayer) -> Form:
        """Adds the units of this function of `x` to a layer, and returns its value as a form."""
        result = Form({}, self._constant)
        for direction, knot, change in self._changes:
            result += layer.relu((x - knot) * direction) * change
        return result
