"""Finds the plate's colors and the hint among the parts, layers and views of a file.

Programs name channels in many ways: `R`; `ViewLayer.Combined.R`; `R` in a part called `rgba`;
`right.R` in a stereo file. This module maps all of them to layers, and chooses among those by what
they hold. It never guesses: if several layers qualify, the error lists them.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal, NamedTuple

from export.common.printable import printable

HintChannel = Literal["alpha", "red", "luminance"]

_COMPONENTS = {"RED": "R", "GREEN": "G", "BLUE": "B", "ALPHA": "A"}
_MAIN_LAYERS = ("rgba", "rgb", "beauty", "combined")
"""Usual names of the layer that holds the finished picture."""
_MATTES = ("mask", "matte", "hint")
"""Usual names of a channel, or of a layer with one channel, that is a matte."""
_NO_HINTS = ("Z", "ZBACK", "DEPTH", "RY", "BY")
"""Components that cannot be a hint although they are alone in their layer."""


class LayerError(ValueError):
    """No layer qualifies, or several do. The message is a predicate; callers prefix the file."""


@dataclasses.dataclass(frozen=True)
class Part:
    """A part of a multi-part file, or a whole file.

    Attributes:
        name: Name of the part, or "".
        views: Names of the views, the default one first; () if the file is not stereo. A part of
            a stereo multi-part file has one.
        channels: Names of the channels.
    """

    name: str
    views: tuple[str, ...]
    channels: tuple[str, ...]


class Channel(NamedTuple):
    """Position of a channel in a file.

    Attributes:
        part: Index of the part.
        number: Index of the channel in the part.
    """

    part: int
    number: int


@dataclasses.dataclass(frozen=True)
class Layer:
    """The channels of one layer and view.

    Attributes:
        name: Name of the layer; the name of its part if its channels have no prefix.
        prefixed: True if the channels' own names contain the name of the layer.
        view: Name of the view, or "".
        channels: Channels by component: R, G, B, A, Y, or any other name in capitals.
    """

    name: str
    prefixed: bool
    view: str
    channels: dict[str, Channel]

    def has_rgb(self) -> bool:
        """Returns whether the layer has the channels R, G and B."""
        return self.channels.keys() >= {"R", "G", "B"}

    def colors(self) -> list[Channel] | None:
        """Returns the channels R, G, B, or Y three times, or None if there are no colors."""
        if self.has_rgb():
            return [self.channels[name] for name in "RGB"]
        if "Y" in self.channels and not self.channels.keys() & {"RY", "BY"}:
            return 3 * [self.channels["Y"]]
        return None

    def __str__(self) -> str:
        names = "".join(self.channels) if self.has_rgb() else ", ".join(self.channels)
        title = ".".join(filter(None, (self.name, self.view)))
        return f"{printable(title)} ({printable(names)})" if title else printable(names)


class Hint(NamedTuple):
    """Choice of a hint, which serves every frame of a sequence.

    Attributes:
        layer: Name of the layer.
        component: Component that is the hint; "luminance" for the luminance of R, G, B.
    """

    layer: str
    component: str

    def __str__(self) -> str:
        name = {"A": "alpha", "R": "red"}.get(self.component, self.component)
        return f"{printable(self.layer)}.{printable(name)}" if self.layer else printable(name)


def list_layers(parts: Sequence[Part], view: str | None = None) -> list[Layer]:
    """Lists the layers of a file.

    Args:
        parts: The parts of the file, in order.
        view: Name of the view to keep; None for a file with one view. A file that is not stereo
            serves every view.

    Raises:
        LayerError: The file has no such view, or has several and `view` is None.
    """
    layers: dict[tuple[str, bool, str], Layer] = {}
    for number, part in enumerate(parts):
        for index, channel in enumerate(part.channels):
            *prefixes, component = channel.split(".")
            channel_view = part.views[0] if part.views else ""
            for place in (0, -1):  # right.R and diffuse.right.R
                if prefixes and prefixes[place] in part.views:
                    channel_view = prefixes.pop(place)
            part_name = part.name.removesuffix(f".{channel_view}") if len(parts) > 1 else ""
            name = ".".join(prefixes) or part_name
            key = (name, bool(prefixes), channel_view)
            layer = layers.setdefault(key, Layer(*key, {}))
            component = component.upper()
            layer.channels.setdefault(_COMPONENTS.get(component, component), Channel(number, index))
    views = list(dict.fromkeys(layer.view for layer in layers.values() if layer.view))
    names = ", ".join(map(printable, views))
    if view is None and len(views) > 1:
        raise LayerError(f"has the views {names}; choose one with --view")
    if view is None or not views:
        return list(layers.values())
    if view not in views:
        raise LayerError(f"has no view {printable(view)!r}; its views are {names}")
    return [layer for layer in layers.values() if layer.view in (view, "")]


def choose_colors(layers: list[Layer], name: str | None = None) -> Layer:
    """Chooses the layer with the plate's colors.

    Args:
        layers: Layers of the file.
        name: Name of the layer; None to choose by content.

    Raises:
        LayerError: There is no such layer, or several qualify.
    """
    if name is not None:
        layer = _named(layers, name)
        if layer.colors() is None:
            raise LayerError(f"has no R, G and B, or Y, in the layer {layer}")
        return layer
    with_colors = [layer for layer in layers if layer.has_rgb()]
    with_colors = with_colors or [layer for layer in layers if layer.colors()]
    if not with_colors:
        raise LayerError(f"has {_list(layers)}; expected R, G and B, or Y")
    candidates = [layer for layer in with_colors if not layer.prefixed] or with_colors
    return _only(candidates, "--plate-layer")


def choose_hint(
    layers: list[Layer], name: str | None, channel: HintChannel | None, needs_alpha: bool
) -> Hint:
    """Chooses the channel of the hint.

    Args:
        layers: Layers of the file with the hint.
        name: Name of the layer, or of a channel with its layer; None to choose by content.
        channel: Channel of the layer; None to choose by content: the alpha, else the only channel,
            else the luminance.
        needs_alpha: True if the file is the plate, whose colors are no hint.

    Raises:
        LayerError: There is no such layer or channel, or several qualify.
    """
    option = "--hint-layer"
    if name is not None:
        prefix, _, component = name.rpartition(".")
        component = _COMPONENTS.get(component.upper(), component.upper())
        for layer in layers:
            if layer.name == prefix and component in layer.channels and channel is None:
                return Hint(layer.name, component)
        return Hint(*_in_layer(_named(layers, name), channel))
    if channel is not None:
        component = {"alpha": "A", "red": "R", "luminance": "luminance"}[channel]
        if channel == "luminance":
            return Hint(choose_colors(layers).name, component)
        candidates = [layer for layer in layers if component in layer.channels]
        if not candidates:
            raise LayerError(f"has {_list(layers)}; expected a channel {channel}")
        candidates = [layer for layer in candidates if layer.has_rgb()] or candidates
        plain = [layer for layer in candidates if not layer.prefixed]
        return Hint(_only(plain or candidates, option).name, component)
    with_rgb = [layer for layer in layers if layer.has_rgb()]
    for candidates in (
        [layer for layer in layers if layer.has_rgb() and "A" in layer.channels],
        [layer for layer in layers if "A" in layer.channels],
        [layer for layer in layers if _matte(layer)],
        [] if with_rgb or needs_alpha else [layer for layer in layers if _lone_component(layer)],
        [] if needs_alpha else with_rgb or [layer for layer in layers if layer.colors()],
    ):
        plain = [layer for layer in candidates if not layer.prefixed]
        if candidates:
            return Hint(*_in_layer(_only(plain or candidates, option), None))
    if needs_alpha:
        raise LayerError(f"has {_list(layers)}, and no alpha. Give a hint with --hint")
    raise LayerError(f"has {_list(layers)}; expected a hint. Name it with {option}")


def hint_channels(layers: list[Layer], hint: Hint) -> list[Channel]:
    """Returns the channels of a hint: one, or three for a luminance.

    Raises:
        LayerError: The file does not have them.
    """
    for layer in layers:
        if layer.name == hint.layer:
            if hint.component == "luminance" and (colors := layer.colors()):
                return colors
            if hint.component in layer.channels:
                return [layer.channels[hint.component]]
    raise LayerError(f"has {_list(layers)}; expected {hint} as in the other frames")


def _in_layer(layer: Layer, channel: HintChannel | None) -> tuple[str, str]:
    """Returns the name of a layer and the component of its hint."""
    lone = _lone_component(layer)
    if channel in (None, "alpha") and "A" in layer.channels:
        return layer.name, "A"
    if channel is None and (component := _matte(layer) or lone):
        return layer.name, component
    if channel == "red" and "R" in layer.channels:
        return layer.name, "R"
    if channel in (None, "luminance") and layer.colors():
        return layer.name, "luminance"
    raise LayerError(f"has no {channel or 'hint'} in the layer {layer}")


def _matte(layer: Layer) -> str | None:
    """Returns the component of a layer that is a matte by its name."""
    if layer.name.split(".")[-1].lower() in _MATTES and (lone := _lone_component(layer)):
        return lone
    return next((name for name in layer.channels if name.lower() in _MATTES), None)


def _lone_component(layer: Layer) -> str | None:
    """Returns the only component of a layer, if it can be a hint."""
    (first, *others) = layer.channels
    return None if others or first in _NO_HINTS else first


def _named(layers: list[Layer], name: str) -> Layer:
    """Returns the layer of a name; upper and lower case are the same if nothing else matches."""
    exact = [layer for layer in layers if layer.name == name]
    similar = exact or [layer for layer in layers if layer.name.lower() == name.lower()]
    if not similar:
        raise LayerError(f"has no layer {printable(name)!r}; it has {_list(layers)}")
    return similar[0]


def _only(candidates: list[Layer], option: str) -> Layer:
    """Returns the only candidate, or the only one with the usual name of a main layer."""
    main = [one for one in candidates if one.name.split(".")[-1].lower() in _MAIN_LAYERS]
    if len(candidates) > 1 and len(main) != 1:
        names = "; ".join(map(str, candidates))
        raise LayerError(f"has several layers that qualify: {names}. Choose one with {option}")
    return (main if len(candidates) > 1 else candidates)[0]


def _list(layers: list[Layer]) -> str:
    """Lists layers for a message, at most ten."""
    names = "; ".join(str(layer) for layer in layers[:10])
    return f"the channels {names}" + (f" and {len(layers) - 10} more" * (len(layers) > 10))
