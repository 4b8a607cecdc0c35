"""A `nuke` module with what is documented and used and no other name, which remembers.

Documented: the functions, the knob classes and their methods in Foundry's Python reference;
CatFileCreator's knobs, and its use from Python, in its .cat File Creation guide and in published
scripts.
"""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class _Knob:
    __slots__ = ("label", "name", "tooltip", "value")

    def __init__(self, name: str, label: str) -> None:
        self.name, self.label = name, label
        self.value: Any = None
        self.tooltip = ""

    def setTooltip(self, text: str) -> None:  # noqa: N802
        self.tooltip = text


class DoubleKnob(_Knob):
    """`nuke.Double_Knob`."""

    __slots__ = ("span",)

    def setRange(self, low: float, high: float) -> None:  # noqa: N802
        """Ends of the slider."""
        self.span = (low, high)

    def setValue(self, value: float) -> None:  # noqa: N802
        """A number."""
        self.value = float(value)


class EnumerationKnob(_Knob):
    """`nuke.Enumeration_Knob`."""

    __slots__ = ("entries",)

    def __init__(self, name: str, label: str, entries: Sequence[str]) -> None:
        super().__init__(name, label)
        self.entries = tuple(entries)

    def setValue(self, value: str) -> None:  # noqa: N802
        """One of the entries."""
        if value not in self.entries:
            raise TypeError(f"{value} is not one of {self.entries}")
        self.value = value


class _TextKnob(_Knob):
    __slots__ = ()

    def setValue(self, value: str) -> None:  # noqa: N802
        if not isinstance(value, str):
            raise TypeError(f"{self.name} takes text")
        self.value = value


class _Button:
    __slots__ = ("_press",)

    def __init__(self, press: Callable[[], None]) -> None:
        self._press = press

    def execute(self) -> None:
        self._press()


class CatFileCreator:
    """The node. Its button writes the .cat, if it has all that this takes."""

    __slots__ = ("_button", "_writes", "added", "fields", "presses")

    def __init__(self, writes: bytes | None) -> None:
        texts = ("torchScriptFile", "catFile", "channelsIn", "channelsOut", "modelId")
        self.fields: dict[str, Any] = {name: _TextKnob(name, name) for name in texts}
        self.fields["outputScale"] = DoubleKnob("outputScale", "outputScale")
        self.added: dict[str, Any] = {}
        self.presses = 0
        self._writes = writes
        self._button = _Button(self._create)

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def addKnob(self, knob: DoubleKnob | EnumerationKnob) -> None:  # noqa: N802
        """Adds a user knob."""
        self.added[knob.name] = knob

    def knob(self, name: str) -> _Button:
        """The button."""
        if name != "createCatFile":
            raise KeyError(name)
        return self._button

    def _create(self) -> None:
        self.presses += 1
        assert all(knob.value is not None for knob in self.fields.values())
        assert Path(self.fields["torchScriptFile"].value).is_file()
        if self._writes is not None:
            Path(self.fields["catFile"].value).write_bytes(self._writes)


@dataclasses.dataclass
class Menu:
    """A menu of the toolbar."""

    commands: dict[str, Callable[[], object]] = dataclasses.field(default_factory=dict)
    icons: list[str] = dataclasses.field(default_factory=list)
    menus: dict[str, "Menu"] = dataclasses.field(default_factory=dict)

    def addMenu(self, name: str, icon: str) -> "Menu":  # noqa: N802
        """Adds a menu in it."""
        self.icons.append(icon)
        return self.menus.setdefault(name, Menu())

    def addCommand(self, name: str, command: Callable[[], object], icon: str = "") -> None:  # noqa: N802
        """Adds an entry."""
        if icon:
            self.icons.append(icon)
        self.commands[name] = command


class Nuke:
    """The module.

    Args:
        version: Of Nuke.
        nukex: Whether there is a CatFileCreator.
        writes: What its button writes into the .cat; None for no file at all.
        plugin_path: Folders.
    """

    __slots__ = (
        "Double_Knob",
        "Enumeration_Knob",
        "NUKE_VERSION_MAJOR",
        "NUKE_VERSION_MINOR",
        "_nukex",
        "_plugin_path",
        "_writes",
        "created",
        "pasted",
        "toolbar",
    )

    def __init__(
        self,
        version: tuple[int, int] = (15, 1),
        nukex: bool = True,
        writes: bytes | None = b"cat",
        plugin_path: Sequence[Path] = (),
    ) -> None:
        self.NUKE_VERSION_MAJOR, self.NUKE_VERSION_MINOR = version
        self.Double_Knob, self.Enumeration_Knob = DoubleKnob, EnumerationKnob
        self.created: list[Any] = []
        self.pasted: list[str] = []
        self.toolbar = Menu()
        self._nukex, self._writes = nukex, writes
        self._plugin_path = [str(folder) for folder in plugin_path]

    def createNode(self, kind: str) -> Any:  # noqa: N802
        """A CatFileCreator, or a gizmo that is on the plug-in path."""
        if kind == "CatFileCreator" and self._nukex:
            node: Any = CatFileCreator(self._writes)
        elif any((Path(folder) / f"{kind}.gizmo").is_file() for folder in self._plugin_path):
            node = kind
        else:
            raise RuntimeError(f"{kind}: Unknown command")
        self.created.append(node)
        return node

    def pluginAddPath(self, folder: str) -> None:  # noqa: N802
        """Adds a folder, relative to the last one that Nuke runs an init.py in."""
        self._plugin_path.append(str(Path(self._plugin_path[-1], folder)))

    def pluginPath(self) -> list[str]:  # noqa: N802
        """All of them."""
        return list(self._plugin_path)

    def menu(self, name: str) -> Menu:
        """The toolbar."""
        if name != "Nodes":
            raise KeyError(name)
        return self.toolbar

    def nodePaste(self, path: str) -> None:  # noqa: N802
        """Pastes a script."""
        self.pasted.append(path)
