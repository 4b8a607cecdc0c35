"""Deploys a release from an internal server: the pinned bytes, and nothing else."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from export.common.digests import sha256
from testing import nested_bazel
from testing.consumer import consumer_module
from testing.servers import java_truststore, nginx

pytestmark = pytest.mark.skipif(not nginx.PROGRAM, reason="this machine has no nginx")


@dataclass(frozen=True)
class Site:
    """Files of the server.

    Attributes:
        folder: Folder of the files.
        release: Tar of the release, in the folder.
        sources: Tar of corridorkey_nuke's sources, in the folder.
    """

    folder: Path
    release: Path
    sources: Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, folder / "CorridorKey.tar", folder / "corridorkey_nuke.tar")
    shutil.copyfile(os.environ["RELEASE"], site.release)
    consumer_module.pack_sources(site.sources)
    return site


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consumer")


@pytest.fixture(scope="module")
def bazel(
    site: Site, scratch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    with (
        nginx.serve(site.folder, tmp_path_factory.mktemp("nginx")) as url,
        consumer_module.start(scratch, url, site.sources, site.release) as run,
    ):
        yield run


def deploy(bazel: nested_bazel.Bazel) -> tuple[int, str]:
    result = bazel("build", "//from_release:deployment")
    return result.returncode, result.stdout


def fetch_again(bazel: nested_bazel.Bazel, repository: str) -> tuple[int, str]:
    result = bazel("fetch", "--force", f"--repo=@{repository}")
    return result.returncode, result.stdout


def test_the_release_is_deployed_with_no_wheel_and_no_python(
    bazel: nested_bazel.Bazel, site: Site, scratch: Path
) -> None:
    status, output = deploy(bazel)
    assert status == 0, output

    with tarfile.open(site.release) as tar:
        released = {
            f"{Path(name).stem}-{hashlib.sha256(content.read()).hexdigest()}.pt"
            for name in tar.getnames()
            if name.endswith(".pt") and (content := tar.extractfile(name))
        }
    folder = scratch / "workspace/bazel-bin/from_release/deployment"
    assert released
    assert {path.name for path in folder.iterdir()} == released
    assert all(sha256(path) in path.name for path in folder.iterdir())

    output_base = bazel("info", "output_base").stdout.splitlines()[-1]
    fetched = [path.name for path in Path(output_base, "external").iterdir()]
    assert any(name.endswith("corridorkey_release") for name in fetched)
    assert not [name for name in fetched if "pypi" in name or "python_3_11" in name]


@pytest.mark.parametrize(
    "archive, position", [("release", 0.5), ("sources", 0), ("sources", 0.5), ("sources", 1)]
)
def test_a_changed_byte_fails_the_build_until_it_is_mended(
    bazel: nested_bazel.Bazel, site: Site, archive: str, position: float
) -> None:
    path, repository, digest = {
        "release": (site.release, "corridorkey_release", sha256),
        "sources": (site.sources, "corridorkey_nuke", consumer_module.integrity),
    }[archive]
    pinned = digest(path)
    with consumer_module.changed_byte(path, position):
        fetch_again(bazel, repository)
        status, output = deploy(bazel)
        assert status != 0
        assert f"Checksum was {digest(path)} but wanted {pinned}" in output

    status, output = deploy(bazel)
    assert status == 0, output


def test_a_release_that_is_gone(bazel: nested_bazel.Bazel, site: Site) -> None:
    away = site.release.rename(site.folder / "away")
    status, output = fetch_again(bazel, "corridorkey_release")
    away.rename(site.release)
    assert status != 0
    assert "GET returned 404 Not Found" in output


@pytest.mark.parametrize("trusted", [False, True], ids=["unknown", "trusted"])
def test_https_needs_a_certificate_that_bazel_trusts(
    site: Site, tmp_path: Path, trusted: bool
) -> None:
    authority = trustme.CA()
    bundle, certificate = tmp_path / "authority.pem", tmp_path / "server.pem"
    authority.cert_pem.write_to_path(bundle)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    startup = [java_truststore.startup_option(bundle, tmp_path)] if trusted else []

    folder = tmp_path / "nginx"
    folder.mkdir()
    with (
        nginx.serve(site.folder, folder, certificate) as url,
        consumer_module.start(
            tmp_path / "consumer", url, site.sources, site.release, startup
        ) as bazel,
    ):
        status, output = fetch_again(bazel, "corridorkey_nuke")
    assert (status == 0) is trusted, output
    assert ("unable to find valid certification path" in output) is not trusted
