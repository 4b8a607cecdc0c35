"""Wheels from a package index on loopback, fetched by the extension that MODULE.bazel uses."""

import http.server
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import nested_bazel
from testing.third_party.tiny_wheel import FETCH, NAME, make_wheel, write_lock

_SOURCES = "corridorkey_probe-1.0.tar.gz"


class Mirror(http.server.ThreadingHTTPServer):
    """A package index (PEP 503) with one file. Like many mirrors it sends no Cache-Control.

    Attributes:
        url: URL of the index.
        name: Name of the file.
        content: Content of the file.
        requests: Requested paths, in order.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/simple"
        self.name = NAME
        self.content = make_wheel()
        self.requests: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        link = f"/files/{self.server.name}"
        pages = {
            "/simple/corridorkey-probe/": f'<a href="{link}">{self.server.name}</a>'.encode(),
            link: self.server.content,
        }
        if self.path not in pages:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(pages[self.path])))
        self.end_headers()
        self.wfile.write(pages[self.path])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mirror]:
    """A mirror that PIP_INDEX_URL names, and an empty cache of pip's."""
    with Mirror() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        for name, value in {
            "PIP_CACHE_DIR": str(tmp_path / "cache"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": running.url,
            "PIP_RETRIES": "0",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        yield running
        running.shutdown()


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
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror
) -> None:
    write_lock(scratch, mirror.content)
    for _ in range(2):
        result = bazel(*FETCH)
        assert result.returncode == 0, result.stdout
        assert "corridorkey_probe.py" in result.stdout
        bazel("clean", "--expunge")
    assert mirror.requests == ["/simple/corridorkey-probe/", f"/files/{NAME}"]


def test_a_damaged_file_in_the_cache_is_downloaded_again(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror, tmp_path: Path
) -> None:
    write_lock(scratch, mirror.content)
    assert bazel(*FETCH).returncode == 0
    (wheel,) = (tmp_path / "cache").rglob("*.whl")
    wheel.write_bytes(mirror.content[:-1])
    bazel("clean", "--expunge")
    result = bazel(*FETCH)
    assert result.returncode == 0, result.stdout
    assert mirror.requests.count(f"/files/{NAME}") == 2
    assert wheel.read_bytes() == mirror.content


@pytest.mark.usefixtures("mirror")
def test_a_cache_that_cannot_be_written_is_not_needed(
    bazel: nested_bazel.Bazel, scratch: Path, tmp_path: Path
) -> None:
    write_lock(scratch, make_wheel())
    (tmp_path / "cache").write_text("a file where pip wants a folder")
    result = bazel(*FETCH)
    assert result.returncode == 0, result.stdout


def test_a_wheel_with_another_digest_is_refused(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror
) -> None:
    write_lock(scratch, mirror.content + b"another")
    result = bazel(*FETCH)
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout
    assert "pip could not unpack corridorkey-probe==1.0" in result.stdout


def test_a_source_distribution_is_refused_and_does_not_run(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror, tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    setup = f"open({str(witness)!r}, 'w')\nfrom setuptools import setup\nsetup()\n".encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("corridorkey_probe-1.0/setup.py")
        member.size = len(setup)
        tar.addfile(member, io.BytesIO(setup))
    mirror.name, mirror.content = _SOURCES, buffer.getvalue()
    write_lock(scratch, mirror.content)

    result = bazel(*FETCH)
    assert result.returncode != 0
    assert "No matching distribution found for corridorkey-probe==1.0" in result.stdout
    assert mirror.requests == ["/simple/corridorkey-probe/"]
    assert not witness.exists()
