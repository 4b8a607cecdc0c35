"""Analyzes and builds with the modules that BAZEL_MODULE_FLAGS names: the artifact stays the same.

The flags name a registry and sources of modules, such as
`--registry=file:///bcr --override_module=rules_python=/rules_python`. A semicolon separates the
flags of several worlds. They share one Bazel, which unpacks the wheels once.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.common.digests import digest
from testing import nested_bazel

_WORLDS = [flags for flags in os.environ.get("BAZEL_MODULE_FLAGS", "").split(";") if flags.strip()]
_ARTIFACT = "export/CorridorKey_512.pt"

pytestmark = pytest.mark.skipif(not _WORLDS, reason="BAZEL_MODULE_FLAGS names no module")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("newest")
    yield folder
    # Bazel's outputs are read-only folders.
    subprocess.run(["chmod", "--recursive", "u+w", folder], check=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def one_bazel(scratch: Path) -> Iterator[nested_bazel.Bazel]:
    parts = [path.name for path in nested_bazel.RUNFILES.iterdir() if path.name != "external"]
    with nested_bazel.start(scratch, parts=parts) as run:
        yield run


@pytest.fixture(scope="module", params=_WORLDS)
def bazel(one_bazel: nested_bazel.Bazel, request: pytest.FixtureRequest) -> nested_bazel.Bazel:
    (buildifier,) = nested_bazel.RUNFILES.parent.glob("*buildifier/buildifier")
    flags = ("--noshow_progress", f"--repo_env=CORRIDORKEY_BUILDIFIER={buildifier.resolve()}")
    return lambda command, *arguments: one_bazel(
        command, *flags, *request.param.split(), *arguments
    )


def test_every_target_is_analyzed(bazel: nested_bazel.Bazel) -> None:
    result = bazel("build", "--nobuild", "--config=untrained", "--keep_going", "//...")
    assert result.returncode == 0, result.stdout


def test_the_artifact_has_the_same_bytes(bazel: nested_bazel.Bazel, scratch: Path) -> None:
    result = bazel("build", "--config=untrained", "//export:corridorkey_512_pt")
    assert result.returncode == 0, result.stdout
    built_here = digest(nested_bazel.RUNFILES / _ARTIFACT)
    assert digest(scratch / "workspace/bazel-bin" / _ARTIFACT) == built_here


def test_a_program_that_starts_another_finds_its_wheels(bazel: nested_bazel.Bazel) -> None:
    result = bazel("test", "//testing/export/common/...", "//testing/third_party:audit_test")
    assert result.returncode == 0, result.stdout
