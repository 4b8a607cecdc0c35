"""Builds CorridorKey.pt from an air-gap kit, with no interface but loopback.

`//tools/airgap_kit:gather` gathers the kit from the network. The build runs as on another machine:
a copy of the sources, an empty home, no Bazel and no root.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.common.digests import digest
from testing import nested_bazel
from testing.tools.loopback_only import Machine

_TOP = Path(__file__).absolute().parents[2]
_ARTIFACT = "export/CorridorKey.pt"

_BUILD = ("build", "--config=airgap", "--config=untrained", "//export:corridorkey_pt")
_TEST = ("test", "--config=airgap", "//testing/third_party:buildifier_test")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the sources."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(_TOP, folder, ignore=nested_bazel.not_sources, dirs_exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def kit(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Returns a kit without weights, with the wheels of the main hub."""
    folder = tmp_path_factory.mktemp("kit")
    subprocess.run(
        [_TOP / "tools/airgap_kit/gather", "--output", folder, "--hub=pypi", "--no-checkpoint"],
        env=os.environ | {"BUILD_WORKSPACE_DIRECTORY": str(clone)},
        check=True,
    )
    (clone / "airgap_kit").symlink_to(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def machine(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Returns a machine with only loopback and no Bazel."""
    machine = Machine(clone, tmp_path_factory.mktemp("home"))
    yield machine
    machine.remove()


@pytest.mark.usefixtures("kit")
def test_only_loopback(machine: Machine) -> None:
    interfaces = machine.run("tail -n +3 /proc/net/dev").stdout.splitlines()
    assert [line.partition(":")[0].strip() for line in interfaces] == ["lo"]


def test_every_file_of_the_kit_is_listed(kit: Path) -> None:
    check = ("sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS")
    subprocess.run(check, cwd=kit, check=True)
    manifest = json.loads((kit / "manifest.json").read_text())
    files = {path.relative_to(kit).as_posix() for path in kit.rglob("*") if path.is_file()}
    assert files == {"SHA256SUMS", "manifest.json", *manifest["files"]}


@pytest.mark.usefixtures("kit")
def test_the_artifact_is_that_of_an_ordinary_build(machine: Machine, clone: Path) -> None:
    result = machine.bazel(*_BUILD)
    assert result.returncode == 0, result.stdout
    assert digest(clone / "bazel-bin" / _ARTIFACT) == digest(_TOP / _ARTIFACT)


@pytest.mark.usefixtures("kit")
def test_tests_run_too(machine: Machine) -> None:
    result = machine.bazel(*_TEST)
    assert result.returncode == 0, result.stdout


def test_a_changed_wheel_is_refused(machine: Machine, kit: Path) -> None:
    (wheel,) = kit.glob("wheels/timm-*.whl")
    with wheel.open("r+b") as file:
        file.seek(1000)
        (byte,) = file.read(1)
        file.seek(1000)
        file.write(bytes([byte ^ 1]))
    assert machine.bazel("clean", "--expunge").returncode == 0
    result = machine.bazel(*_BUILD)
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout
    assert "timm==" in result.stdout.partition("DO NOT MATCH THE HASHES")[2]
