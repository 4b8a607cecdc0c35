"""The code in a .pt, read as text before anything compiles it.

TorchScript has operators that write files, and compiles a class's code while it loads. So a file
whose code could call more than the operators of `runtimes.py` is not loaded at all.
"""

import ast
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from export.artifact.runtimes import LOOP_OPERATORS, NETWORK_OPERATORS, RUNTIMES, WRAPPER_OPERATORS

_LANGUAGE = (
    ast.AnnAssign,
    ast.Assign,
    ast.Attribute,
    ast.Call,
    ast.ClassDef,
    ast.Constant,
    ast.Expr,
    ast.For,
    ast.FunctionDef,
    ast.If,
    ast.List,
    ast.Load,
    ast.Module,
    ast.Name,
    ast.Pass,
    ast.Return,
    ast.Store,
    ast.Subscript,
    ast.Tuple,
    ast.USub,
    ast.UnaryOp,
    ast.arg,
    ast.arguments,
    ast.keyword,
)
"""What the exporter's code is written in: no loop without end, no operator that has no name."""

_METHODS = {"forward", "coarse_logits", "delta_logits"}
"""What is called on a module. A tensor has every operator as a method, so nothing else is."""

_NAMESPACES = {"torch", "ops", "__torch__"}

_BUILTINS = {"annotate", "getattr", "range"}

_KEYWORDS = {
    "device=None",
    "dtype=None",
    "layout=None",
    "memory_format=2",
    "memory_format=None",
    "pin_memory=False",
    "pin_memory=None",
}
"""What is said by keyword: that a new tensor is as the one it is made from, or channels last."""

_TEMPORARY = re.compile(r"_\d+", re.ASCII)
"""How TorchScript names a value that has no name in the source, a function among them."""

_ALLOWED = {
    # How TorchScript spells aten::add.Tensor and prim::min.float.
    name.partition(".")[0].replace("aten::", "torch.").replace("prim::", "ops.prim.")
    for operators in (
        LOOP_OPERATORS,
        NETWORK_OPERATORS,
        WRAPPER_OPERATORS,
        *(runtime.attention_operators for runtime in RUNTIMES.values()),
    )
    for name in operators
}


class SourceError(ValueError):
    """Code that is not to be compiled; the message names its record."""


def check_source(path: Path) -> None:
    """Reads all code in an archive.

    Args:
        path: A file that `archive_check.check_archive` let pass.

    Raises:
        SourceError: The code is not in the part of the language, or not of the operators, that the
            exporter's files are written in.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".py"):
                continue
            try:
                problem = next(_problems(ast.parse(archive.read(name))), None)
            except (MemoryError, RecursionError, SyntaxError, ValueError) as error:
                problem = f"does not parse: {error}"
            if problem:
                raise SourceError(f"{name} {problem}")


def _problems(tree: ast.Module) -> Iterator[str]:
    functions: dict[ast.AST, set[str]] = {}
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef):
            functions |= dict.fromkeys(ast.walk(scope), _names_of_functions(scope))
    for node in ast.walk(tree):
        if not isinstance(node, _LANGUAGE):
            yield f"has a {type(node).__name__}, which no code of the exporter's has"
        elif isinstance(node, ast.For):
            if not isinstance(node.iter, ast.Call) or _dotted(node.iter.func) != "range":
                yield "has a For over something else than a range"
        elif isinstance(node, ast.keyword):
            if ast.unparse(node) not in _KEYWORDS:
                yield f"has a keyword, {ast.unparse(node)}, which no code of the exporter's has"
        elif isinstance(node, ast.Attribute):
            name = _dotted(node)
            if name.startswith(("torch.", "ops.")) and name not in _ALLOWED | {"ops.prim"}:
                yield f"names {name}, which is no operator of the exporter's files"
        elif isinstance(node, ast.Call):
            called = _dotted(node.func)
            known = called in _ALLOWED | functions.get(node, set()) | _BUILTINS
            method = isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS
            if not known and not method and not called.startswith("__torch__."):
                yield f"calls {called or 'what is no name'}, which no code of the exporter's does"
        elif (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)) or isinstance(
            node, ast.arg
        ):
            name = node.id if isinstance(node, ast.Name) else node.arg
            if name in _NAMESPACES:
                yield f"gives {name} another meaning"


def _names_of_functions(scope: ast.FunctionDef) -> set[str]:
    """Names that stand for nothing but functions of the archive's own, each called by its path."""
    assigned: dict[str, set[bool]] = {}
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            of_archive = _dotted(node.value).startswith("__torch__.")
            for target in node.targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name):
                        assigned.setdefault(name.id, set()).add(of_archive)
    return {
        name
        for name, of_archive in assigned.items()
        if of_archive == {True} and _TEMPORARY.fullmatch(name)
    }


def _dotted(node: ast.AST) -> str:
    """`a.b.c` as it is written, and nothing for what is not so simple."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return before and f"{before}.{node.attr}"
    return ""
