"""Downloads an interpreter from loopback, and runs an action on it with no Python on PATH."""

import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from testing import nested_bazel

_PROGRAM = """
import os, shutil, sys
from package import module
print(*sys.argv[1:], sep="|")
print("on PATH:", shutil.which("python3"))
print("data:", open(os.environ["RUNFILES_DIR"] + "/_main/package/data.txt").read())
print("started by the downloaded interpreter:", "DOWNLOADED" in os.environ)
print("script folder on sys.path:", os.path.dirname(os.path.abspath(__file__)) in sys.path)
sys.exit(module.STATUS)
"""
_BUILD = """
load("@rules_python//python:defs.bzl", "py_binary", "py_library")

py_library(name = "module", srcs = ["module.py"])

py_binary(name = "program", srcs = ["program.py"], data = ["data.txt"], deps = [":module"])

genrule(
    name = "report",
    outs = ["report.txt"],
    cmd = '''
        mkdir path
        ln -s $$(type -P bash readlink) path
        PATH=$$PWD/path $(execpath :program) 'a b' '*' > $@ || echo status $$? >> $@
    ''',
    tools = [":program"],
)
"""
_REPORT = """\
a b|*
on PATH: None
data: some data
started by the downloaded interpreter: True
script folder on sys.path: False
status 7
"""


def _archive() -> bytes:
    """Returns an archive in the layout of python-build-standalone. It starts this interpreter."""
    script = f'#!/bin/bash\nDOWNLOADED=1 exec {sys.executable} "$@"\n'.encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("python/bin/python3.11")
        member.mode, member.size = 0o755, len(script)
        tar.addfile(member, io.BytesIO(script))
        link = tarfile.TarInfo("python/bin/python3")
        link.type, link.linkname = tarfile.SYMTYPE, "python3.11"
        tar.addfile(link)
    return buffer.getvalue()


@pytest.fixture
def bazel(tmp_path: Path) -> Iterator[nested_bazel.Bazel]:
    """A Bazel in a workspace with a package `package`."""
    with nested_bazel.start(tmp_path / "nested") as run:
        package = tmp_path / "nested/workspace/package"
        package.mkdir()
        (package / "BUILD.bazel").write_text(_BUILD)
        (package / "data.txt").write_text("some data")
        (package / "module.py").write_text("STATUS = 7\n")
        (package / "program.py").write_text(_PROGRAM)
        yield run


def test_an_action_runs_on_the_downloaded_interpreter_only(
    bazel: nested_bazel.Bazel, httpserver: HTTPServer, tmp_path: Path
) -> None:
    archive = _archive()
    rule = tmp_path / "nested/workspace/third_party/python/interpreter.bzl"
    rule.chmod(0o644)
    # Every platform gets the same archive.
    digest = hashlib.sha256(archive).hexdigest()
    rule.write_text(re.sub(r'": "[0-9a-f]{64}"', f'": "{digest}"', rule.read_text()))
    config = tmp_path / "mirror.cfg"
    config.write_text(f"rewrite github.com/.*[.]gz {httpserver.url_for('/python.tar.gz')}\n")
    build = (
        *("build", "//package:report", "--repo_env=CORRIDORKEY_PYTHON=", "--repository_cache="),
        *(f"--experimental_downloader_config={config}", "--http_connector_attempts=1"),
    )

    changed = httpserver.expect_oneshot_request("/python.tar.gz")
    changed.respond_with_data(archive + b"changed")
    result = bazel(*build)
    assert result.returncode != 0
    assert f"but wanted {digest}" in result.stdout

    httpserver.expect_request("/python.tar.gz").respond_with_data(archive)
    result = bazel(*build)
    assert result.returncode == 0, result.stdout
    report = tmp_path / "nested/workspace/bazel-bin/package/report.txt"
    assert report.read_text() == _REPORT
