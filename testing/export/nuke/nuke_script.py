"""A Nuke script as a Tcl interpreter reads it."""

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

_READER = Path(__file__).parent / "read_script.tcl"


class ScriptError(ValueError):
    """What Tcl says of a script that it cannot evaluate."""


@dataclasses.dataclass(frozen=True)
class ReadNode:
    """One node.

    Attributes:
        kind: Its class.
        name: Its knob `name`; the class, where there is none.
        inputs: Names of the nodes that feed it, from input 0 on.
        knobs: Values by name, in order.
        user_knobs: What addUserKnob says: `kind`, `name`, options by their letter, and how many
            knobs the node had been given `after`.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    knobs: dict[str, str]
    user_knobs: tuple[dict[str, Any], ...]


@dataclasses.dataclass(frozen=True)
class ReadScript:
    """One file.

    Attributes:
        version: Of Nuke.
        layers: Channels by layer.
        nodes: By name, in order; those of a gizmo too.
        left: Names of the nodes that nothing has taken from the stack.
    """

    version: str
    layers: dict[str, list[str]]
    nodes: dict[str, ReadNode]
    left: tuple[str, ...]

    def one(self, kind: str) -> ReadNode:
        """The only node of a class."""
        (node,) = (node for node in self.nodes.values() if node.kind == kind)
        return node

    def upstream(self, name: str) -> list[ReadNode]:
        """What feeds a node's input 0, and so on up; the nearest first."""
        nodes = []
        while inputs := self.nodes[name].inputs:
            name = inputs[0]
            nodes.append(self.nodes[name])
        return nodes


def tclsh() -> str | None:
    """The Tcl interpreter of this machine."""
    return shutil.which("tclsh")


def read(path: Path) -> ReadScript:
    """Evaluates a script.

    Raises:
        ScriptError: It is no Tcl, no Nuke script, or two of its nodes have one name.
    """
    result = subprocess.run(
        [str(tclsh()), str(_READER), str(path)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ScriptError(result.stderr)
    content = json.loads(result.stdout)
    names = [dict(node["knobs"]).get("name", node["class"]) for node in content["nodes"]]
    if len(set(names)) != len(names):
        raise ScriptError(f"two nodes of one name: {names}")
    nodes = {}
    for name, node in zip(names, content["nodes"], strict=True):
        knobs = dict(node["knobs"])
        if len(knobs) != len(node["knobs"]):
            raise ScriptError(f"{name} gives a knob two values")
        nodes[name] = ReadNode(
            kind=node["class"],
            name=name,
            inputs=tuple(names[number] for number in node["inputs"]),
            knobs=knobs,
            user_knobs=tuple(node["user_knobs"]),
        )
    return ReadScript(
        version=content["version"],
        layers=content["layers"],
        nodes=nodes,
        left=tuple(names[number] for number in content["left"]),
    )
