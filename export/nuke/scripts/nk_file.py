"""Turns nodes into the text of a Nuke script.

A Nuke script is Tcl. Each node pops its inputs off a stack and pushes itself:

    Read { inputs 0 ... }     pushes a
    set N0 [stack 0]          remembers a, because two nodes use it
    Premult { ... }           pops a, pushes b
    push $N0
    Copy { inputs 2 ... }     pops a (input 0) and b (input 1)
"""

import dataclasses
import enum
import re
from collections.abc import Iterable, Mapping, Sequence

ENDS = frozenset({"CatFileCreator", "Output", "StickyNote", "Viewer", "Write"})
"""Classes of nodes that feed no other node. Every other node must lead to one of these."""

Grid = tuple[int, int]
"""Column and row of a node in the graph."""

_COLUMN, _ROW = 160, 90
"""Distances in Nuke's node graph, in its pixels."""
_PLAIN_WORD = re.compile(r"[\w.,:/%@+-]+")


class Literal(str):
    """Text that is already Tcl, with its braces."""


class KnobClass(enum.IntEnum):
    """Number that addUserKnob uses for a class of knob."""

    INTEGER = 3
    ENUMERATION = 4
    CHECKBOX = 6
    FLOAT = 7
    TAB = 20
    TEXT = 26
    LINK = 41


@dataclasses.dataclass(frozen=True)
class UserKnob:
    """A knob added to a node.

    Attributes:
        kind: Class of the knob.
        name: Name of the knob in Nuke.
        label: Text beside the knob.
        tooltip: What the knob does.
        span: Ends of the slider.
        entries: Entries of an enumeration.
        target: "Node.knob", the knob that a link shows.
        hidden: Leaves the knob out of the panel.
        value: Default, written on a line of its own; without it the knob would be 0.
    """

    kind: KnobClass
    name: str
    label: str = ""
    tooltip: str = ""
    span: tuple[str, str] | None = None
    entries: tuple[str, ...] = ()
    target: str = ""
    hidden: bool = False
    value: str | None = None

    def lines(self) -> list[str]:
        """Returns the lines that add the knob to a node."""
        parts = [str(int(self.kind)), self.name]
        parts += ["l", word(self.label)] if self.label else []
        parts += ["t", word(self.tooltip)] if self.tooltip else []
        parts += ["+INVISIBLE"] if self.hidden else []
        parts += ["T", word(self.target)] if self.target else []
        parts += ["M", "{" + " ".join(map(word, self.entries)) + "}"] if self.entries else []
        parts += ["R", *self.span] if self.span else []
        parts += ["+STARTLINE"] if self.kind is KnobClass.CHECKBOX else []
        line = f"addUserKnob {{{' '.join(parts)}}}"
        return [line] if self.value is None else [line, f"{self.name} {word(self.value)}"]


@dataclasses.dataclass(frozen=True)
class Node:
    """One node of a script.

    Attributes:
        kind: Class of the node.
        name: Name of the node, unique in its script.
        inputs: Names of the nodes that feed it, from input 0 on. Input 0 of Copy, Merge2,
            ChannelMerge and Keymix is B, input 1 is A and input 2 is the mask.
        knobs: Values by knob name, as text.
        user_knobs: Added knobs, in the order of the panel.
        at: Place in the graph.
    """

    kind: str
    name: str
    inputs: tuple[str, ...] = ()
    knobs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    user_knobs: tuple[UserKnob, ...] = ()
    at: Grid = (0, 0)

    def lines(self) -> list[str]:
        """Returns the lines of the node, which takes its inputs from the stack."""
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
    """Returns one word of Tcl, or of a Tcl list, that stands for exactly this text."""
    if isinstance(value, Literal) or _PLAIN_WORD.fullmatch(value):
        return value
    escaped = re.sub(r'([\\"\[\]{}$])', r"\\\1", value)
    return '"' + escaped.replace("\n", "\\n") + '"'


def expression(text: str) -> Literal:
    """Returns the value of a knob that follows an expression of Nuke."""
    return Literal("{{" + word(text) + "}}")


def script(nodes: Sequence[Node], nuke: str, layers: Mapping[str, Sequence[str]]) -> str:
    """Returns a script that Nuke opens, or inserts into another script.

    Args:
        nodes: Nodes of the script; each must lead to a node of a class in `ENDS`.
        nuke: Oldest version of Nuke that opens the script, "14.0 v1".
        layers: Channels of each layer that Nuke does not know by itself.

    Raises:
        ValueError: A node leads nowhere, an input does not exist, or a name is used twice.
    """
    added = [
        f"add_layer {{{' '.join([layer, *(f'{layer}.{channel}' for channel in channels)])}}}"
        for layer, channels in layers.items()
    ]
    return "\n".join([f"version {nuke}", *added, *_statements(nodes), ""])


def gizmo(nodes: Sequence[Node], nuke: str, user_knobs: Sequence[UserKnob], label: str) -> str:
    """Returns a gizmo: a group whose panel shows the user knobs.

    Args:
        nodes: Nodes inside the gizmo.
        nuke: Oldest version of Nuke, as for `script`.
        user_knobs: Knobs in the order of the panel.
        label: Text under its name in the node graph.

    Raises:
        ValueError: A node leads nowhere, an input does not exist, or a name is used twice.
    """
    inputs = sum(node.kind == "Input" for node in nodes)
    panel = [line for knob in user_knobs for line in knob.lines()]
    return "\n".join(
        [
            f"version {nuke}",
            "Gizmo {",
            *_indented([f"inputs {inputs}", f"label {word(label)}", *panel]),
            "}",
            *_indented(_statements(nodes)),
            "end_group",
            "",
        ]
    )


def _statements(nodes: Sequence[Node]) -> list[str]:
    """Returns each node after the nodes that feed it, and leaves only ends on the stack."""
    by_name = {node.name: node for node in nodes}
    if len(by_name) < len(nodes):
        raise ValueError("two nodes have the same name")
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
