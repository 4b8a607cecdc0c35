"""Nodes as data → the text of a Nuke script: Tcl, in which nodes push and pop a stack."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

ENDS = frozenset({"CatFileCreator", "Output", "StickyNote", "Viewer", "Write"})
"""Classes whose nodes feed nothing; whatever else is in a script leads to one of these."""

Grid = tuple[int, int]
"""Column and row of a node in the graph."""

_COLUMN, _ROW = 160, 90
"""Distances in the node graph, in its pixels."""
_PLAIN_WORD = re.compile(r"[\w.,:/%@+-]+")


class Literal(str):
    """A value that is Tcl already, braces and all."""


def expression(text: str) -> Literal:
    """The value of a knob that follows an expression."""
    return Literal("{{" + word(text) + "}}")


@dataclasses.dataclass(frozen=True)
class UserKnob:
    """A knob that is added to a node.

    Attributes:
        kind: Number of its class: 3 int, 4 enumeration, 6 checkbox, 7 float, 20 tab, 26 text,
            41 link to a knob of a node inside.
        name: In Nuke.
        label: Beside the knob.
        tooltip: What the knob does.
        span: Ends of the slider.
        entries: Of an enumeration.
        text: What a text says; what a link links to.
        value: Default. Stands on the line after, without which the knob would be 0.
    """

    kind: int
    name: str
    label: str = ""
    tooltip: str = ""
    span: tuple[str, str] | None = None
    entries: tuple[str, ...] = ()
    text: str = ""
    value: str | None = None

    def lines(self) -> list[str]:
        """As they stand in a node."""
        parts = [str(self.kind), self.name]
        parts += ["l", word(self.label)] if self.label else []
        parts += ["t", word(self.tooltip)] if self.tooltip else []
        parts += ["T", word(self.text)] if self.text else []
        parts += ["M", "{" + " ".join(map(word, self.entries)) + "}"] if self.entries else []
        parts += ["R", *self.span] if self.span else []
        parts += ["+STARTLINE"] if self.kind == 6 else []
        line = f"addUserKnob {{{' '.join(parts)}}}"
        return [line] if self.value is None else [line, f"{self.name} {word(self.value)}"]


@dataclasses.dataclass(frozen=True)
class Node:
    """One node.

    Attributes:
        kind: Its class.
        name: Unique in its script.
        inputs: Names of the nodes that feed it, from input 0 on. Of a Copy, a Merge2 and a
            Shuffle2, input 0 is B and input 1 is A.
        knobs: Values by name, as text.
        user_knobs: In the order of the panel.
        at: Where it is in the graph.
    """

    kind: str
    name: str
    inputs: tuple[str, ...] = ()
    knobs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user_knobs: tuple[UserKnob, ...] = ()
    at: Grid = (0, 0)

    def lines(self) -> list[str]:
        """The node, which takes its inputs from the stack and puts itself there."""
        inputs = [] if len(self.inputs) == 1 else [f"inputs {len(self.inputs)}"]
        return [
            f"{self.kind} {{",
            *_indented(inputs),
            *_indented(f"{name} {word(value)}" for name, value in self.knobs.items()),
            f" name {self.name}",
            f" xpos {self.at[0] * _COLUMN}",
            f" ypos {self.at[1] * _ROW}",
            *_indented(line for knob in self.user_knobs for line in knob.lines()),
            "}",
        ]


def word(value: str) -> str:
    """One word of Tcl, or of a list in it, that stands for exactly this text."""
    if isinstance(value, Literal) or _PLAIN_WORD.fullmatch(value):
        return value
    escaped = re.sub(r'([\\"\[\]{}$])', r"\\\1", value)
    return '"' + escaped.replace("\n", "\\n") + '"'


def script(nodes: Sequence[Node], nuke: str, layers: Mapping[str, Sequence[str]]) -> str:
    """A script to open, or to insert in another.

    Args:
        nodes: Each must lead to one of the class in `ENDS`.
        nuke: The oldest version that opens it, "14.0 v1".
        layers: Channels of each layer that Nuke does not know of itself.

    Raises:
        ValueError: A node leads nowhere, or is fed by one that is not there.
    """
    added = [
        f"add_layer {{{' '.join([layer, *(f'{layer}.{channel}' for channel in channels)])}}}"
        for layer, channels in layers.items()
    ]
    return "\n".join([f"version {nuke}", *added, *_statements(nodes), ""])


def gizmo(nodes: Sequence[Node], nuke: str, user_knobs: Sequence[UserKnob]) -> str:
    """A gizmo: a group whose panel shows the user knobs.

    Args:
        nodes: What is inside.
        nuke: As for `script`.
        user_knobs: In the order of the panel.

    Raises:
        ValueError: As for `script`.
    """
    inputs = sum(node.kind == "Input" for node in nodes)
    panel = [line for knob in user_knobs for line in knob.lines()]
    return "\n".join(
        [
            f"version {nuke}",
            "Gizmo {",
            *_indented([f"inputs {inputs}", *panel]),
            "}",
            *_indented(_statements(nodes)),
            "end_group",
            "",
        ]
    )


def _statements(nodes: Sequence[Node]) -> list[str]:
    """Each node after those that feed it, with nothing but ends left on the stack."""
    by_name = {node.name: node for node in nodes}
    uses = [name for node in nodes for name in node.inputs]
    if missing := set(uses) - set(by_name):
        raise ValueError(f"no such node: {', '.join(sorted(missing))}")
    written: dict[str, str] = {}
    statements: list[str] = []

    def put_on_stack(node: Node) -> None:
        if node.name in written:
            statements.append(f"push ${written[node.name]}")
            return
        for name in reversed(node.inputs):
            put_on_stack(by_name[name])
        statements.extend(node.lines())
        written[node.name] = f"N{len(written)}"
        if uses.count(node.name) > 1:
            statements.append(f"set {written[node.name]} [stack 0]")

    for node in nodes:
        if node.kind in ENDS:
            put_on_stack(node)
    if loose := set(by_name) - set(written):
        raise ValueError(f"feeds nothing: {', '.join(sorted(loose))}")
    return statements


def _indented(lines: Iterable[str]) -> list[str]:
    return [f" {line}" for line in lines]
