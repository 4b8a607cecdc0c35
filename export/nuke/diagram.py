"""A graph of nodes as a picture: inline SVG, coloured by the page's style sheet."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from export.nuke.scripts.keying import PREMULT, TO_LINEAR, TO_SRGB
from export.nuke.scripts.script import Node

_COLUMN, _ROW = 168, 86
_WIDTH, _HEIGHT = 140, 42

_TURNS_INTO = {TO_SRGB: "srgb", TO_LINEAR: "linear", PREMULT: "premultiplied"}
"""What comes out of the nodes that change what a picture is; classes of the style sheet."""
_HINTS = frozenset({"Hint", "Read_hint"})


def svg(nodes: Sequence[Node], title: str) -> str:
    """The graph, each connection in the class of what flows through it."""
    by_name = {node.name: node for node in nodes}
    columns = 1 + max(node.at[0] for node in nodes)
    rows = 1 + max(node.at[1] for node in nodes)

    def flow(node: Node) -> str:
        if node.name in _TURNS_INTO:
            return _TURNS_INTO[node.name]
        if node.kind == "Merge2":
            return "premultiplied"
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
            f' style="width: {width}px; min-width: {width * 3 // 4}px">',
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
    y2 = y1 - 14  # the last piece is upright, so that there is room for the input's name
    bend = (y2 - y0) / 2
    path = f"M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y2 - bend:g} {x1:g} {y2:g}V{y1 - 5:g}"
    arrow = f"M{x1 - 4:g} {y1 - 7:g}l4 7l4 -7z"
    parts = [f'<path class="{flow}" d="{path}"/>', f'<path class="{flow} tip" d="{arrow}"/>']
    if len(target.inputs) > 1:
        name = str(number) if target.kind == "Switch" else "BA"[number]
        parts.append(f'<text class="input" x="{x1 + 7:g}" y="{y1 - 3:g}">{name}</text>')
    return parts


def _box(node: Node) -> list[str]:
    x, y = _corner(node)
    middle = x + _WIDTH / 2
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>',
        f'<text x="{middle:g}" y="{y + 18:g}">{escape(node.name)}</text>',
        f'<text class="kind" x="{middle:g}" y="{y + 33:g}">{escape(node.kind)}</text>',
    ]
