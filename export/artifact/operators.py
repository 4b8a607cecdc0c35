"""The operators of a saved file, and what among them breaks it on another machine.

A file may use what has been tried in the libtorch versions it is for, and nothing else. Beyond
that no device, no dtype and no tensor may stand in its code: each is the tracing machine's, and is
not moved or cast with the file.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from export.artifact.runtimes import LOOP_OPERATORS, NETWORK_OPERATORS, RUNTIMES, WRAPPER_OPERATORS

_LANGUAGE = {
    "prim::Constant",
    "prim::GetAttr",
    "prim::If",
    "prim::ListConstruct",
    "prim::ListUnpack",
    "prim::Loop",
    "prim::TupleConstruct",
    "prim::TupleUnpack",
}
"""What TorchScript itself is written in: not operators, and in every libtorch."""

_NO_SCHEMA = "(no schema)"

_FORM = ("device", "dtype", "layout", "type1", "type2")
"""Arguments that a file may pass on from one tensor to another, but not name. The last two are
`promote_types`'s."""


class GraphError(Exception):
    """A file that would not run everywhere it is for; the message says why."""


def operators(path: Path) -> list[str]:
    """Lists the operators of a saved file, by name and overload, sorted."""
    return sorted(_names(_load(path).forward.inlined_graph))


def check_graph(path: Path, runtime: str) -> None:
    """Looks for what breaks CorridorKey files.

    Args:
        path: A file saved from a scripted `CorridorKeyNukeWrapper` around a traced network.
        runtime: Key of `RUNTIMES`: where it is to run.

    Raises:
        GraphError: The file holds an operator, or a constant, that it must not.
    """
    module = _load(path)
    whole = module.forward.inlined_graph
    network = _names(module.network.coarse_logits.inlined_graph)
    network |= _names(module.network.delta_logits.inlined_graph)
    allowed = NETWORK_OPERATORS | LOOP_OPERATORS | RUNTIMES[runtime].attention_operators
    problems = {
        *(f"its network uses {name}" for name in network - allowed),
        *(f"it uses {name}" for name in _names(whole) - network - allowed - WRAPPER_OPERATORS),
        *_constants(whole),
    }
    if problems:
        raise GraphError(f"it is not for {runtime}: {'; '.join(sorted(problems))}")


def _load(path: Path) -> Any:
    # Not on the meta device, where a file with tensor constants, which is to be found, cannot load.
    return torch.jit.load(path, map_location="cpu")


def _nodes(block: Any) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _names(graph: Any) -> set[str]:
    return {_name(node) for node in _nodes(graph)} - _LANGUAGE


def _name(node: Any) -> str:
    return node.kind() if node.schema() == _NO_SCHEMA else node.schema().partition("(")[0]


def _constants(graph: Any) -> Iterator[str]:
    """Finds what a graph names that it should take from its inputs and weights."""
    for node in _nodes(graph):
        if node.kind() == "prim::Constant" and str(node.output().type()) in ("Tensor", "Device"):
            yield f"it holds a constant of type {node.output().type()}"
        if node.schema() == _NO_SCHEMA:
            continue
        arguments = torch._C.parse_schema(node.schema()).arguments
        for argument, value in zip(arguments, node.inputs(), strict=False):
            named = value.node().kind() == "prim::Constant" and str(value.type()) != "NoneType"
            if argument.name in _FORM and named:
                yield f"it calls {_name(node)} with a constant {argument.name}"
