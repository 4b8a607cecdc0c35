"""Finds downloads without a digest in source files. Parses Starlark as Python."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import PurePath

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SRI = re.compile(r"sha(256-[\w+/]{43}=|384-[\w+/]{64}|512-[\w+/]{86}==)")
_DIGESTS = ("sha256", "integrity")

_DOWNLOADS = (
    *("download", "download_and_extract"),
    *("http_archive", "http_file", "http_jar", "archive_override"),
)
_BY_COMMIT = ("git_override", "git_repository", "new_git_repository")
_CLIENTS = re.compile(r"\b(curl|wget|git clone|pip install|pip download)\b")
_PYTHON_CLIENTS = (
    *("urlopen", "urlretrieve", "build_opener", "OpenerDirector"),
    *("HTTPConnection", "HTTPSConnection"),
)


def problems(path: str, text: str) -> Iterator[str]:
    """Yields one sentence for each download without a digest, with its line.

    Args:
        path: Path of the file. Its name decides how the file is parsed.
        text: Text of the file.
    """
    name = PurePath(path).name
    if name.endswith((".bzl", ".bazel")):
        found = _Starlark(ast.parse(text)).problems()
    elif name.endswith(".py"):
        found = _python(ast.parse(text))
    elif name.endswith("_lock.txt"):
        found = _lock(text)
    elif name == "source.json":
        found = _source(text)
    elif text.startswith("#!"):
        found = (
            (number, f"downloads with {client[0]}")
            for number, line in enumerate(text.splitlines(), 1)
            if (client := _CLIENTS.search(line.partition("#")[0]))
        )
    else:
        return
    for line, problem in found:
        yield f"{path}:{line}: {problem}"


class _Starlark:
    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._values: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self._values.setdefault(node.targets[0].id, []).append(node.value)

    def problems(self) -> Iterator[tuple[int, str]]:
        for node in ast.walk(self._tree):
            if not isinstance(node, ast.Call):
                continue
            called = _last_name(node.func)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            digests = [given[digest] for digest in _DIGESTS if digest in given]
            if called in _BY_COMMIT:
                yield node.lineno, f"{called} is pinned by a commit, not by a digest"
            elif called == "execute" and _CLIENTS.search(ast.unparse(node)):
                yield node.lineno, "a program downloads, and nothing checks the digest"
            elif called == "hub" and "lock" not in given:
                yield node.lineno, "wheels without a lock"
            elif called in _DOWNLOADS and not digests:
                yield node.lineno, f"{called} without a digest"
            for digest in digests:
                if not self._is_digest(digest):
                    yield node.lineno, f"{ast.unparse(digest)} is not a digest that is known here"

    def _is_digest(self, value: ast.expr) -> bool:
        """Returns whether a value is a digest: a constant, or a mandatory attribute."""
        match value:
            case ast.Constant(value=str(text)):
                return bool(_SHA256.fullmatch(text) or _SRI.fullmatch(text))
            case ast.Name(id=name) if name in self._values:
                return all(map(self._is_digest, self._values[name]))
            case ast.Subscript(value=table):
                return self._has_digests(table)
            case ast.Call(func=ast.Attribute(value=table, attr="get")):
                # A missing key must give a default that no file's digest equals, not None.
                default = getattr(value.args[-1], "value", "") if len(value.args) == 2 else ""
                return bool(default) and self._has_digests(table)
            case ast.Attribute(attr=name):
                return name in self._mandatory_attributes() or self._is_field_of_digests(name)
        return False

    def _has_digests(self, table: ast.expr) -> bool:
        if not isinstance(table, ast.Name):
            return False
        return any(
            isinstance(value, ast.Dict) and all(map(self._is_digest, value.values))
            for value in self._values.get(table.id, [])
        )

    def _mandatory_attributes(self) -> set[str]:
        """Returns the names of the mandatory attributes of this file's rules."""
        return {
            key.value
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Dict)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
            and isinstance(key.value, str)
            and isinstance(value, ast.Call)
            and any(
                keyword.arg == "mandatory" and getattr(keyword.value, "value", False)
                for keyword in value.keywords
            )
        }

    def _is_field_of_digests(self, name: str) -> bool:
        """Returns whether the field is a digest in every struct of this file."""
        fields = [
            keyword.value
            for node in ast.walk(self._tree)
            if isinstance(node, ast.Call) and _last_name(node.func) == "struct"
            for keyword in node.keywords
            if keyword.arg == name
        ]
        return bool(fields) and all(map(self._is_digest, fields))


def _last_name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _python(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _last_name(node.func)) in _PYTHON_CLIENTS:
            yield node.lineno, f"{name} reads what has no digest"


def _lock(text: str) -> Iterator[tuple[int, str]]:
    logical = text.replace("\\\n", "\\")
    for number, line in enumerate(logical.splitlines(), 1):
        requirement = line.partition("#")[0].strip()
        if requirement and not re.search(r"--hash=sha256:[0-9a-f]{64}\b", requirement):
            yield number, f"{requirement} has no hash"


def _source(text: str) -> Iterator[tuple[int, str]]:
    source = json.loads(text)
    if source.get("type") != "local_path" and not _SRI.fullmatch(source.get("integrity", "")):
        yield 1, "a module without integrity"
