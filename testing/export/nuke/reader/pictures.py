"""Computes the picture that a gizmo gives, for pictures of one size and a network of your own.

It knows the classes of nodes in the kit's gizmo, from Foundry's reference guide. Erode and Blur are
known only where they are disabled. Text is not drawn.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from testing.export.nuke.reader.script_reader import MODEL_EXISTS, Script, ScriptNode

Picture: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
"""[H, W, 4] in RGBA, row 0 at the bottom as in Nuke."""
Network: TypeAlias = Callable[[Picture], Picture]

_CHANNELS = {"rgba.red": 0, "rgba.green": 1, "rgba.blue": 2, "rgba.alpha": 3}
_PASS_ON = frozenset(
    {"Assert", "BlackOutside", "Crop", "ModifyMetaData", "Output", "Reformat", "Text2"}
)


class Renderer:
    """Renders the nodes of a gizmo.

    Args:
        gizmo: The gizmo.
        inputs: Pictures of the connected inputs by name.
        knobs: Values of the gizmo's knobs; enumerations by the index of their entry.
        network: What Inference does to its input.
        model: The .cat exists.
    """

    def __init__(
        self,
        gizmo: Script,
        inputs: Mapping[str, Picture],
        knobs: Mapping[str, float],
        network: Network,
        model: bool = True,
    ) -> None:
        self._gizmo, self._inputs, self._network = gizmo, inputs, network
        self._knobs, self._model = knobs, model
        numbers = {
            int(node.knobs.get("number", "0")): node.name
            for node in gizmo.nodes.values()
            if node.kind == "Input"
        }
        self._connected = {number for number, name in numbers.items() if name in inputs}
        self._shape = next(iter(inputs.values())).shape
        self._known: dict[str, Picture] = {}

    def render(self, name: str = "Output1") -> Picture:
        """Returns the picture of a node."""
        if name not in self._known:
            self._known[name] = self._render(self._gizmo.nodes[name])
        return self._known[name]

    def _render(self, node: ScriptNode) -> Picture:
        if node.kind == "Input":
            return self._inputs.get(node.name, np.zeros(self._shape))
        if node.kind == "Switch":
            return self.render(node.inputs[int(self._number(node, "which"))])
        above = self.render(node.inputs[0])
        disabled = "disable" in node.knobs and node.kind != "Reformat"
        if node.kind in _PASS_ON or (disabled and self._number(node, "disable")):
            return above
        if node.kind == "Inference":
            return self._network(above)
        others = [self.render(name) for name in node.inputs[1:]]
        return getattr(self, f"_{node.kind.lower()}")(node, above.copy(), *others)

    def _number(self, node: ScriptNode, knob: str) -> Any:
        text = node.knobs[knob]
        match = re.fullmatch(r'\{"?(.*?)"?\}', text)
        return self._evaluate(re.sub(r"\\(.)", r"\1", match[1]) if match else text, {})

    def _evaluate(self, text: str, names: Mapping[str, Any]) -> Any:
        """Evaluates an expression of Nuke, for numbers or for all pixels at once."""

        def exists(match: re.Match[str]) -> str:
            return str(int(match[1]) in self._connected)

        text = re.sub(r"\[exists parent\.input(\d)\]", exists, text)
        text = text.replace(MODEL_EXISTS, str(int(self._model)))
        text = re.sub(r"parent\.(\w+)", r"knobs['\1']", text)
        text = re.sub(r"!(?!=)", " not ", text).replace("&&", " and ").replace("||", "|")
        text = re.sub(r"(\w+) \? (\w+) : (\w+)", r"where(\1, \2, \3)", text)
        if match := re.fullmatch(r"(.*) \? (.*) : (.*)", text):
            text = f"where({match[1]}, {match[2]}, {match[3]})"
        known = {
            "floor": np.floor,
            "isinf": np.isinf,
            "isnan": np.isnan,
            "knobs": self._knobs,
            "max": np.maximum,
            "smoothstep": _smoothstep,
            "where": np.where,
        }
        return eval(text.strip(), {"__builtins__": {}}, {**known, **names})

    def _expression(self, node: ScriptNode, picture: Picture) -> Picture:
        height, width, _ = picture.shape
        y, x = np.mgrid[0:height, 0:width]
        names: dict[str, Any] = {"x": x, "y": y}
        names |= {channel: picture[..., i] for i, channel in enumerate("rgba")}
        for i in range(4):
            if f"temp_name{i}" in node.knobs:
                value = self._evaluate(node.knobs[f"temp_expr{i}"], names)
                names[node.knobs[f"temp_name{i}"]] = value
        values = {
            i: self._evaluate(node.knobs[f"expr{i}"], names)
            for i in range(4)
            if f"expr{i}" in node.knobs
        }
        for i, value in values.items():
            picture[..., i] = value
        return picture

    def _colormatrix(self, node: ScriptNode, picture: Picture) -> Picture:
        rows = re.findall(r"\{([^{}]*)\}", node.knobs["matrix"])
        matrix = np.array([[float(number) for number in row.split()] for row in rows])
        picture[..., :3] = picture[..., :3] @ matrix.T
        return picture

    def _colorspace(self, node: ScriptNode, picture: Picture) -> Picture:
        decodes = node.knobs.get("colorspace_in") == "sRGB"
        assert decodes != (node.knobs.get("colorspace_out") == "sRGB")
        convert = srgb_to_linear if decodes else linear_to_srgb
        picture[..., :3] = convert(picture[..., :3])
        return picture

    def _copy(self, node: ScriptNode, picture: Picture, source: Picture) -> Picture:
        for i in range(4):
            if f"from{i}" in node.knobs:
                copied = source[..., _CHANNELS[node.knobs[f"from{i}"]]]
                picture[..., _CHANNELS[node.knobs[f"to{i}"]]] = copied
        return picture

    def _channelmerge(self, node: ScriptNode, picture: Picture, a: Picture) -> Picture:
        merge = {"stencil": lambda a, b: b * (1 - a), "max": np.maximum}[node.knobs["operation"]]
        picture[..., 3] = merge(a[..., 3], picture[..., 3])
        return picture

    def _clamp(self, node: ScriptNode, picture: Picture) -> Picture:
        assert node.knobs["channels"] == "alpha"
        picture[..., 3] = picture[..., 3].clip(0, 1)
        return picture

    def _invert(self, node: ScriptNode, picture: Picture) -> Picture:
        assert node.knobs["channels"] == "alpha"
        picture[..., 3] = 1 - picture[..., 3]
        return picture

    def _grade(self, node: ScriptNode, picture: Picture) -> Picture:
        assert (node.knobs["channels"], node.knobs["white_clamp"]) == ("alpha", "true")
        low, high = self._number(node, "blackpoint"), self._number(node, "whitepoint")
        level = ((picture[..., 3] - low) / (high - low)).clip(0, 1)
        picture[..., 3] = level ** (1 / self._number(node, "gamma"))
        return picture

    def _premult(self, _: ScriptNode, picture: Picture) -> Picture:
        picture[..., :3] *= picture[..., 3:]
        return picture

    def _keymix(self, node: ScriptNode, b: Picture, a: Picture, mask: Picture) -> Picture:
        share = mask[..., 3:] * self._number(node, "mix")
        return b * (1 - share) + a * share


def linear_to_srgb(values: np.ndarray) -> np.ndarray:
    """Encodes linear values as sRGB; negative values stay on the straight part."""
    curve = 1.055 * np.maximum(values, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(values <= 0.0031308, values * 12.92, curve)


def srgb_to_linear(values: np.ndarray) -> np.ndarray:
    """Decodes sRGB values; negative values stay on the straight part."""
    curve = ((np.maximum(values, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(values <= 0.04045, values / 12.92, curve)


def _smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = ((value - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)
