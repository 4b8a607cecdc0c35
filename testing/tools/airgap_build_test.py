"""Builds CorridorKey.pt from an air-gap kit, with no interface but loopback.

`//tools/airgap_kit:gather` gathers the kit from the network. The build runs as on another machine:
a copy of the sources, an empty home, no Bazel and no root.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from export.common.digests import digest
from testing import nested_bazel

_TOP = Path(__file__).absolute().parents[2]
_ARTIFACT = "export/CorridorKey.pt"

_BUILD = ("build", "--config=airgap", "--config=untrained", "//export:corridorkey_pt")
_TEST = ("test", "--config=airgap", "//testing/third_party:buildifier_test")

# Each call has a network of its own, in which it cannot reach the server of the call before.
_THEN_SHUT_DOWN = 'tools/bazel "$@"; status=$?; tools/bazel shutdown; exit $status'

AirgappedBazel = Callable[..., "subprocess.CompletedProcess[str]"]


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
def airgapped(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirgappedBazel]:
    """Returns a function that runs `tools/bazel` on a machine with only loopback and no Bazel."""
    home = tmp_path_factory.mktemp("home")
    bazels = filter(None, map(shutil.which, ("bazel", "bazelisk")))
    hidden = [argument for path in bazels for argument in ("--ro-bind", "/dev/null", path)]

    def run(*arguments: str, script: str = _THEN_SHUT_DOWN) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                *("bwrap", "--dev-bind", "/", "/", "--unshare-net", *hidden),
                # Inside a Debian root, the host's users and names are in /host-etc.
                *("--ro-bind-try", "/host-etc", "/etc"),
                *("env", "--ignore-environment", f"HOME={home}", f"PATH={os.environ['PATH']}"),
                *("bash", "-c", script, "bash", *arguments),
            ],
            cwd=clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    yield run
    run("clean", "--expunge")
    # Not left to Bazel, which cannot remove names that are not ASCII.
    shutil.rmtree(home)


@pytest.mark.usefixtures("kit")
def test_only_loopback(airgapped: AirgappedBazel) -> None:
    interfaces = airgapped(script="tail -n +3 /proc/net/dev").stdout.splitlines()
    assert [line.partition(":")[0].strip() for line in interfaces] == ["lo"]


def test_every_file_of_the_kit_is_listed(kit: Path) -> None:
    check = ("sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS")
    subprocess.run(check, cwd=kit, check=True)
    manifest = json.loads((kit / "manifest.json").read_text())
    files = {path.relative_to(kit).as_posix() for path in kit.rglob("*") if path.is_file()}
    assert files == {"SHA256SUMS", "manifest.json", *manifest["files"]}


@pytest.mark.usefixtures("kit")
def test_the_artifact_is_that_of_an_ordinary_build(airgapped: AirgappedBazel, clone: Path) -> None:
    result = airgapped(*_BUILD)
    assert result.returncode == 0, result.stdout
    assert digest(clone / "bazel-bin" / _ARTIFACT) == digest(_TOP / _ARTIFACT)


@pytest.mark.usefixtures("kit")
def test_tests_run_too(airgapped: AirgappedBazel) -> None:
    result = airgapped(*_TEST)
    assert result.returncode == 0, result.stdout


def test_a_changed_wheel_is_refused(airgapped: AirgappedBazel, kit: Path) -> None:
    (wheel,) = kit.glob("wheels/timm-*.whl")
    with wheel.open("r+b") as file:
        file.seek(1000)
        (byte,) = file.read(1)
        file.seek(1000)
        file.write(bytes([byte ^ 1]))
    assert airgapped("clean", "--expunge").returncode == 0
    result = airgapped(*_BUILD)
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout
    assert "timm==" in result.stdout.partition("DO NOT MATCH THE HASHES")[2]
