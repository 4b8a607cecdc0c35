"""Builds with this module as a dependency: a studio gets the same bytes as this repository.

The studio's MODULE.bazel has a repository named pypi and puts another Python first.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from export.common.digests import sha256
from testing import nested_bazel
from testing.consumer import consumer_module
from testing.servers import java_truststore, nginx

pytestmark = pytest.mark.skipif(not nginx.PROGRAM, reason="this machine has no nginx")

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("consumer")
    yield folder
    # Bazel's outputs are read-only folders.
    subprocess.run(["chmod", "--recursive", "u+w", folder], check=True)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    archive = tmp_path_factory.mktemp("site") / "corridorkey_nuke.tar"
    rooms = ("export", "testing", "third_party", "tools", "wrapper")
    consumer_module.pack_sources(archive, (".bazelignore", "BUILD.bazel", "MODULE.bazel", *rooms))
    return archive


@pytest.fixture(scope="module")
def bazel(
    sources: Path, scratch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    folder = tmp_path_factory.mktemp("nginx")
    startup = []
    if _CERTIFICATES.exists():
        startup.append(java_truststore.startup_option(_CERTIFICATES, folder))
    with (
        nginx.serve(sources.parent, folder) as url,
        consumer_module.start(scratch, url, sources, startup=startup) as run,
    ):
        yield run


def test_the_studio_has_the_very_bytes_that_are_built_here(
    bazel: nested_bazel.Bazel, scratch: Path
) -> None:
    result = bazel("build", "--config=untrained", "//from_source:all")
    print(result.stdout)
    assert result.returncode == 0

    built_here = json.loads(Path(os.environ["MANIFEST"]).read_text())["torchscript"]["sha256"]
    outputs = scratch / "workspace/bazel-bin/from_source"
    (artifact,) = outputs.glob("deployment/*.pt")
    assert sha256(artifact) == built_here
    assert artifact.name == f"CorridorKey-{built_here}.pt"


def test_the_studio_has_a_variant_of_its_own(bazel: nested_bazel.Bazel, scratch: Path) -> None:
    result = bazel("build", "--config=untrained", "//from_source:thumbnail_deployment")
    assert result.returncode == 0, result.stdout

    outputs = scratch / "workspace/bazel-bin/from_source"
    manifest = json.loads((outputs / "Thumbnail.json").read_text())
    assert manifest["resolution"] == 256
    (artifact,) = outputs.glob("thumbnail_deployment/*.pt")
    assert artifact.name == f"Thumbnail-{manifest['torchscript']['sha256']}.pt"
    assert sha256(artifact) == manifest["torchscript"]["sha256"]


def test_the_studio_runs_the_verifier(bazel: nested_bazel.Bazel, scratch: Path) -> None:
    artifact = scratch / "workspace/bazel-bin/from_source/Thumbnail.pt"
    verify = ("run", "--config=untrained", "@corridorkey_nuke//export:verify", "--")
    result = bazel(*verify, str(artifact))
    # Without a key, the origin of a good file is unknown.
    assert result.returncode == 3, result.stdout
    assert "\nCONSISTENT: exactly what this version" in result.stdout

    damaged = scratch / "damaged.pt"
    damaged.write_bytes(artifact.read_bytes()[:-1])
    result = bazel(*verify, str(damaged))
    assert result.returncode == 1
    assert "\nREFUSED: do not use it" in result.stdout


def test_the_studio_makes_a_release_of_its_own(bazel: nested_bazel.Bazel, scratch: Path) -> None:
    result = bazel("build", "--config=untrained", "//from_source:release")
    assert result.returncode == 0, result.stdout

    release = scratch / "workspace/bazel-bin/from_source/CorridorKey-2026.1-untrained"
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    sums = subprocess.run(check, cwd=release, stdout=subprocess.PIPE, text=True, check=True)
    assert "CorridorKey.pt: OK" in sums.stdout
    assert "Thumbnail.pt: OK" in sums.stdout


def test_the_studio_keeps_its_own_wheels(bazel: nested_bazel.Bazel) -> None:
    result = bazel("query", "@pypi//packaging + @corridorkey_nuke//export:corridorkey_pt")
    assert result.returncode == 0, result.stdout


def test_a_changed_byte_fails_the_build(bazel: nested_bazel.Bazel, sources: Path) -> None:
    pinned = consumer_module.integrity(sources)
    with consumer_module.changed_byte(sources, 0.5):
        bazel("fetch", "--force", "--repo=@corridorkey_nuke")
        result = bazel("build", "--config=untrained", "//from_source:deployment")
        message = f"Checksum was {consumer_module.integrity(sources)} but wanted {pinned}"
    assert result.returncode != 0
    assert message in result.stdout
    print(message)

    mended = bazel("build", "--config=untrained", "//from_source:deployment")
    assert mended.returncode == 0, mended.stdout
