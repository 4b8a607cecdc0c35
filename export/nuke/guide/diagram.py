"""Draws a graph of nodes as inline SVG, colored by the style sheet of the page."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from export.nuke.cat_files import KIT_NAME
from export.nuke.scripts.nk_file import Node

_COLUMN, _ROW = 190, 86
_WIDTH, _HEIGHT = 166, 42

_FLOWS = {"ToSRGB": "srgb", "ToLinear": "linear", "Premult1": "premultiplied"}
"""Class in the style sheet of what leaves a node that changes the kind of picture."""
_HINTS = frozenset({"Hint", "Read_hint"})


def svg(nodes: Sequence[Node], title: str) -> str:
    """Returns the graph; each connection has the class of the picture that it carries."""
    by_name = {node.name: node for node in nodes}
    columns = 1 + max(node.at[0] for node in nodes)
    rows = 1 + max(node.at[1] for node in nodes)

    def flow(node: Node) -> str:
        if node.name in _FLOWS:
            return _FLOWS[node.name]
        if node.kind == "Merge2":
            return "premultiplied"
        if node.kind == KIT_NAME:
            return "linear" if node.knobs.get("linear_output") == "straight" else "premultiplied"
        if not node.inputs:
            return "matte" if node.name in _HINTS else "linear"
        return flow(by_name[node.inputs[0]])

    parts = []
    for node in nodes:
        for i, name in enumerate(node.inputs):
            parts += _connection(by_name[name], node, i, flow(by_name[name]))
    for node in nodes:
        parts += _box(node)
    width, height = columns * _COLUMN, rows * _ROW
    return "\n".join(
        [
            f'<svg viewBox="0 0 {width} {height}" role="img"',
            f' style="width: {width}px; min-width: {width // 2}px">',
            f"<title>{escape(title)}</title>",
            *parts,
            "</svg>",
        ]
    )


def _corner(node: Node) -> tuple[float, float]:
    column, row = node.at
    return column * _COLUMN + (_COLUMN - _WIDTH) / 2, row * _ROW + (_ROW - _HEIGHT) / 2


def _connection(source: Node, target: Node, number: int, flow: str) -> list[str]:
    x0, y0 = _corner(source)
    x1, y1 = _corner(target)
    x0, y0 = x0 + _WIDTH / 2, y0 + _HEIGHT
    x1 += _WIDTH * (number + 1) / (len(target.inputs) + 1)
    y2 = y1 - 14  # the last piece is upright, which leaves room for the name of the input
    bend = (y2 - y0) / 2
    path = f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y2 - bend:g} {x1:g} {y2:g}V{y1 - 5:g}"
    arrow = f"M{x1 - 4:g} {y1 - 7:g}l4 7l4 -7z"
    parts = [f'<path class="{flow}" d="{path}"/>', f'<path class="{flow} tip" d="{arrow}"/>']
    if len(target.inputs) > 1:
        names = ("Plate", "Hint") if target.kind == KIT_NAME else ("B", "A")
        parts.append(f'<text class="input" x="{x1 + 7:g}" y="{y1 - 3:g}">{names[number]}</text>')
    return parts


def _box(node: Node) -> list[str]:
    x, y = _corner(node)
    middle = x + _WIDTH / 2
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>',
        f'<text x="{middle:g}" y="{y + 18:g}">{escape(node.name)}</text>',
        f'<text class="kind" x="{middle:g}" y="{y + 33:g}">{escape(node.kind)}</text>',
    ]
