"""Lists the operators of a saved file, and finds those that would break it on another machine.

A file may use only operators that were tried in the libtorch versions it is for. Its code must hold
no device, dtype or tensor: each would be the tracing machine's, and would not be moved or cast with
the file. The exceptions are conversions: to float32, for sums that half would round too early, and
to half, in a fast file on a GPU.
"""

import itertools
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
"""Nodes of the TorchScript language itself: not operators, and present in every libtorch."""

_NO_SCHEMA = "(no schema)"

_CONVERSIONS = (5, 6)
"""Numbers of torch.half and torch.float32 in a graph (c10/core/ScalarType.h)."""

_FORM = ("device", "dtype", "layout", "type1", "type2")
"""Arguments that a file may pass on from one tensor to another, but not state as constants.
`type1` and `type2` are the arguments of `promote_types`."""


class GraphError(Exception):
    """A file would not run everywhere it is for; the message says why, of "it"."""


def operators(path: Path) -> list[str]:
    """Returns the operators of a saved file, by name and overload, sorted."""
    return sorted(_names(_load(path).forward.inlined_graph))


def check_graph(path: Path, runtime: str) -> None:
    """Checks that a file holds no operator and no constant that breaks it in its runtime.

    Args:
        path: File saved from a scripted `CorridorKeyNukeWrapper` around a traced network.
        runtime: Key of `RUNTIMES`.

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
        raise GraphError(f"it cannot run in {runtime}: {'; '.join(sorted(problems))}")


def _load(path: Path) -> Any:
    # On the CPU: a file with tensor constants, which must be found, does not load on "meta".
    return torch.jit.load(path, map_location="cpu")


def _nodes(block: Any) -> Iterator[Any]:
    """Yields the nodes of a block and of every block inside it."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)


def _names(graph: Any) -> set[str]:
    return {_name(node) for node in _nodes(graph)} - _LANGUAGE


def _name(node: Any) -> str:
    return node.kind() if node.schema() == _NO_SCHEMA else node.schema().partition("(")[0]


def _is_island(node: Any) -> bool:
    """Returns True if a node converts a tensor to float32 or half, whatever the file's dtype."""
    if _name(node) != "aten::to.dtype":
        return False
    value = next(itertools.islice(node.inputs(), 1, None)).node()
    return value.kind() == "prim::Constant" and value.i("value") in _CONVERSIONS


def _constants(graph: Any) -> Iterator[str]:
    """Yields each constant that a graph should take from its inputs or weights instead."""
    for node in _nodes(graph):
        if node.kind() == "prim::Constant" and str(node.output().type()) in ("Tensor", "Device"):
            yield f"it holds a constant of type {node.output().type()}"
        if node.schema() == _NO_SCHEMA:
            continue
        arguments = torch._C.parse_schema(node.schema()).arguments
        for argument, value in zip(arguments, node.inputs(), strict=False):
            named = value.node().kind() == "prim::Constant" and str(value.type()) != "NoneType"
            if argument.name in _FORM and named and not _is_island(node):
                yield f"it calls {_name(node)} with a constant {argument.name}"
