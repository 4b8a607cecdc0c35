"""Reads a Nuke script with a Tcl interpreter."""

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_READER = Path(__file__).parent / "read_script.tcl"

MODEL_EXISTS = "[file exists [value Inference1.modelFile]]"
"""Tcl in the gizmo for 1 or 0, which no expression of numbers can hold."""


class ScriptError(ValueError):
    """Tcl cannot evaluate the script; the message is the interpreter's."""


@dataclasses.dataclass(frozen=True)
class ScriptNode:
    """One node.

    Attributes:
        kind: Class of the node.
        name: Value of its knob `name`; without one, its class.
        inputs: Names of the nodes that feed it, from input 0 on.
        knobs: Values by knob name, in order.
        user_knobs: One entry for each addUserKnob: `kind`, `name`, the options by their letter and
            `after`, the number of knobs before it.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    knobs: dict[str, str]
    user_knobs: tuple[dict[str, Any], ...]


@dataclasses.dataclass(frozen=True)
class Script:
    """One script.

    Attributes:
        version: Oldest version of Nuke that opens it.
        layers: Channels by layer.
        nodes: Nodes by name, in order, with those inside a gizmo.
        left: Names of the nodes left on the stack.
    """

    version: str
    layers: dict[str, list[str]]
    nodes: dict[str, ScriptNode]
    left: tuple[str, ...]

    def one(self, kind: str) -> ScriptNode:
        """Returns the only node of a class."""
        (node,) = (node for node in self.nodes.values() if node.kind == kind)
        return node

    def upstream(self, name: str) -> list[ScriptNode]:
        """Returns the nodes above a node, along input 0, the nearest first."""
        nodes = []
        while inputs := self.nodes[name].inputs:
            name = inputs[0]
            nodes.append(self.nodes[name])
        return nodes


def tclsh() -> str | None:
    """Returns the path of the Tcl interpreter, or None."""
    return shutil.which("tclsh")


def read(path: Path) -> Script:
    """Evaluates a script.

    Raises:
        ScriptError: The file is not Tcl or not a Nuke script, or two nodes have the same name.
    """
    result = subprocess.run(
        [str(tclsh()), str(_READER), str(path)], capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ScriptError(result.stderr)
    content = json.loads(result.stdout)
    names = [dict(node["knobs"]).get("name", node["class"]) for node in content["nodes"]]
    if len(set(names)) != len(names):
        raise ScriptError(f"two nodes have the same name: {names}")
    nodes = {}
    for name, node in zip(names, content["nodes"], strict=True):
        knobs = dict(node["knobs"])
        if len(knobs) != len(node["knobs"]):
            raise ScriptError(f"{name} sets a knob twice")
        nodes[name] = ScriptNode(
            kind=node["class"],
            name=name,
            inputs=tuple(names[number] for number in node["inputs"]),
            knobs=knobs,
            user_knobs=tuple(node["user_knobs"]),
        )
    return Script(
        version=content["version"],
        layers=content["layers"],
        nodes=nodes,
        left=tuple(names[number] for number in content["left"]),
    )


def evaluate(code: str) -> str:
    """Returns the result of Tcl code, such as the value of a knob with brackets.

    Raises:
        ScriptError: The code fails.
    """
    result = subprocess.run(
        [str(tclsh())],
        input=f"puts -nonewline [{code}]\n",
        capture_output=True,
        text=True,
        check=False,
    )
    if result.stderr:
        raise ScriptError(result.stderr)
    return result.stdout


def text_knob(
    text: str,
    values: Mapping[str, object],
    plugins: Sequence[str],
    inner: Mapping[str, str] | None = None,
    folder: str = "/kit",
) -> str:
    """Returns the value of a knob inside a gizmo that takes text with brackets.

    Args:
        text: The text of the knob.
        values: Values of the gizmo's knobs.
        plugins: Names of the files on the plug-in path.
        inner: Values of knobs inside the gizmo, by "Node.knob".
        folder: Where the files on the plug-in path are.
    """
    named = {f"parent.{name}": value for name, value in values.items()} | dict(inner or {})
    cases = " ".join(f"{name} {{{value}}}" for name, value in named.items())
    found = f"expr {{$name in {{{' '.join(plugins)}}} ? [list {folder}/$name] : {{}}}}"
    return evaluate(
        f"proc value {{knob}} {{ dict get {{{cases}}} $knob }}\n"
        f"proc plugins {{all name}} {{ {found} }}\n"
        f"subst -nobackslashes -novariables {{{text}}}"
    )
