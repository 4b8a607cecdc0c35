"""Wheels from a package index on loopback, fetched by the extension that MODULE.bazel uses."""

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from testing import nested_bazel
from testing.third_party.tiny_wheel import FETCH, NAME, make_wheel, write_lock

_WHEEL = make_wheel()
_PAGE = "/simple/corridorkey-probe/"


def _serve(server: HTTPServer, content: bytes, name: str = NAME) -> None:
    """Serves a package index (PEP 503) with one file. Like many mirrors, sends no Cache-Control."""
    page = f'<a href="/files/{name}">{name}</a>'
    server.expect_request(_PAGE).respond_with_data(page, content_type="text/html")
    server.expect_request(f"/files/{name}").respond_with_data(content)


def _requests(server: HTTPServer) -> list[str]:
    """Returns the paths of the requests, in order."""
    return [request.path for request, _ in server.log]


@pytest.fixture
def mirror(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HTTPServer:
    """A mirror that PIP_INDEX_URL names, and an empty cache of pip's."""
    for name, value in {
        "PIP_CACHE_DIR": str(tmp_path / "cache"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": httpserver.url_for("/simple"),
        "PIP_RETRIES": "0",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return httpserver


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nested")


@pytest.fixture(scope="module")
def server(scratch: Path) -> Iterator[nested_bazel.Bazel]:
    with nested_bazel.start(scratch) as run:
        yield run


@pytest.fixture
def bazel(server: nested_bazel.Bazel) -> nested_bazel.Bazel:
    """A Bazel that has fetched nothing yet, as in a new clone."""
    server("clean", "--expunge")
    return server


def test_two_clones_download_a_wheel_once(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: HTTPServer
) -> None:
    _serve(mirror, _WHEEL)
    write_lock(scratch, _WHEEL)
    for _ in range(2):
        result = bazel(*FETCH)
        assert result.returncode == 0, result.stdout
        assert "corridorkey_probe.py" in result.stdout
        bazel("clean", "--expunge")
    assert _requests(mirror) == [_PAGE, f"/files/{NAME}"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: HTTPServer, tmp_path: Path
) -> None:
    _serve(mirror, _WHEEL)
    write_lock(scratch, _WHEEL)
    assert bazel(*FETCH).returncode == 0
    (wheel,) = (tmp_path / "cache").rglob("*.whl")
    wheel.write_bytes(_WHEEL[:-1])
    bazel("clean", "--expunge")
    result = bazel(*FETCH)
    assert result.returncode == 0, result.stdout
    assert _requests(mirror).count(f"/files/{NAME}") == 2
    assert wheel.read_bytes() == _WHEEL


def test_a_cache_that_cannot_be_written_is_not_needed(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: HTTPServer, tmp_path: Path
) -> None:
    _serve(mirror, _WHEEL)
    write_lock(scratch, _WHEEL)
    (tmp_path / "cache").write_text("a file where pip wants a folder")
    result = bazel(*FETCH)
    assert result.returncode == 0, result.stdout


def test_a_wheel_with_another_digest_is_refused(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: HTTPServer
) -> None:
    _serve(mirror, _WHEEL)
    write_lock(scratch, _WHEEL + b"another")
    result = bazel(*FETCH)
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout
    assert "pip could not unpack corridorkey-probe==1.0" in result.stdout


@pytest.mark.parametrize(
    ("suffix", "flag"),
    [
        (".tar.gz", "--repo_env=NOTHING="),
        (".zip", "--repo_env=NOTHING="),
        # A machine's own settings that ask for source distributions.
        (".tar.gz", "--repo_env=PIP_NO_BINARY=:all:"),
        (".zip", "--repo_env=PIP_NO_BINARY=corridorkey-probe"),
    ],
)
def test_a_source_distribution_is_refused_and_does_not_run(
    suffix: str,
    flag: str,
    bazel: nested_bazel.Bazel,
    scratch: Path,
    mirror: HTTPServer,
    tmp_path: Path,
) -> None:
    witness = tmp_path / "witness"
    setup = f"open({str(witness)!r}, 'w')\nfrom setuptools import setup\nsetup()\n".encode()
    buffer = io.BytesIO()
    if suffix == ".zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("corridorkey_probe-1.0/setup.py", setup)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            member = tarfile.TarInfo("corridorkey_probe-1.0/setup.py")
            member.size = len(setup)
            tar.addfile(member, io.BytesIO(setup))
    _serve(mirror, buffer.getvalue(), f"corridorkey_probe-1.0{suffix}")
    write_lock(scratch, buffer.getvalue())

    result = bazel(*FETCH, flag)
    assert result.returncode != 0
    assert "No matching distribution found for corridorkey-probe==1.0" in result.stdout
    assert _requests(mirror) == [_PAGE]
    assert not witness.exists()
