"""Knobs with the methods that the kit calls; each refuses a value of another type, as Nuke does."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from testing.export.nuke.reader import script_reader


class Knob:
    """A knob that takes text."""

    __slots__ = ("label", "name", "stored", "tooltip")

    def __init__(self, name: str, label: str = "") -> None:
        self.name, self.label = name, label
        self.stored: Any = None
        self.tooltip = ""

    def setTooltip(self, text: str) -> None:  # noqa: N802
        """Sets the tooltip."""
        self.tooltip = text

    def setValue(self, value: str) -> None:  # noqa: N802
        """Sets the text."""
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes text, not {value!r}")
        self.stored = value

    def value(self) -> Any:
        """Returns the value."""
        return self.stored


class NumberKnob(Knob):
    """`nuke.Double_Knob`, and `nuke.WH_Knob`, which takes one number for both directions."""

    __slots__ = ("span",)

    def setRange(self, low: float, high: float) -> None:  # noqa: N802
        """Sets the ends of the slider."""
        self.span = (low, high)

    def setValue(self, value: float) -> None:  # type: ignore[override] # noqa: N802
        """Sets the number."""
        self.stored = float(value)


class BooleanKnob(Knob):
    """`nuke.Boolean_Knob`."""

    __slots__ = ()

    def setValue(self, value: bool) -> None:  # type: ignore[override] # noqa: N802
        """Sets the switch."""
        if not isinstance(value, bool):
            raise TypeError(f"{self.name} takes a bool, not {value!r}")
        self.stored = value


class EnumerationKnob(Knob):
    """`nuke.Enumeration_Knob`."""

    __slots__ = ("entries",)

    def __init__(self, name: str, label: str, entries: Sequence[str]) -> None:
        super().__init__(name, label)
        self.entries = tuple(entries)

    def setValue(self, value: str) -> None:  # noqa: N802
        """Sets one of the entries."""
        if value not in self.entries:
            raise TypeError(f"{value} is not one of {self.entries}")
        self.stored = value


class IntegerKnob(Knob):
    """`nuke.Int_Knob`."""

    __slots__ = ()

    def setValue(self, value: int) -> None:  # type: ignore[override] # noqa: N802
        """Sets the number."""
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{self.name} takes an int, not {value!r}")
        self.stored = value


class FormatKnob(Knob):
    """`nuke.Format_Knob`."""

    __slots__ = ()

    def fromScript(self, text: str) -> None:  # noqa: N802
        """Sets the format as a script writes it."""
        if not re.fullmatch(r"\d+ \d+ 0 0 \d+ \d+ 1 \w+", text):
            raise ValueError(text)
        self.stored = text


class ModelFileKnob(Knob):
    """Inference's `modelFile`, whose Tcl is evaluated with the knobs of the gizmo."""

    __slots__ = ("_knobs", "_plugins", "_text")

    def __init__(self, text: str, knobs: Mapping[str, Knob], plugins: Sequence[str]) -> None:
        super().__init__("modelFile")
        self._text, self._knobs, self._plugins = text, knobs, plugins

    def setValue(self, value: str) -> None:  # noqa: N802
        """Sets a path instead of the Tcl."""
        super().setValue(value)
        self._text = value

    def evaluate(self) -> str:
        """Returns the path of the .cat, or nothing."""
        values = {name: knob.stored for name, knob in self._knobs.items()}
        return script_reader.text_knob(self._text, values, self._plugins)


class Button:
    """`nuke.Script_Knob`."""

    __slots__ = ("_press",)

    def __init__(self, press: Callable[[], None]) -> None:
        self._press = press

    def execute(self) -> None:
        """Presses the button."""
        self._press()
