"""A studio's own package mirror: an index on loopback, and the very pip.parse of MODULE.bazel."""

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from testing import nested_bazel
from testing.third_party.tiny_wheel import FETCH, NAME, bootstrap_wheels, make_wheel, write_lock

_INDEX_PAGE = f'<!DOCTYPE html><html><body><a href="/files/{NAME}">{NAME}</a></body></html>'


class Mirror(http.server.ThreadingHTTPServer):
    """A package index (PEP 503) with one wheel; anything else is answered with something wrong.

    Attributes:
        url: Where it listens.
        wheel: The wheel's bytes.
        asked: The paths asked for, in order.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.wheel = make_wheel()
        self.asked: list[str] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        pages = {
            "/simple/corridorkey-probe/": ("text/html", _INDEX_PAGE.encode()),
            f"/files/{NAME}": ("application/octet-stream", self.server.wheel),
        }
        kind, body = pages.get(self.path, ("text/plain", b"not what was pinned"))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("nested")


@pytest.fixture(scope="module")
def bazel(scratch: Path) -> Iterator[nested_bazel.Bazel]:
    with nested_bazel.start(scratch) as run:
        yield run


@pytest.fixture(autouse=True)
def _no_other_pip_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")


def test_pip_index_url_is_where_wheels_come_from(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock(scratch, mirror.wheel)
    monkeypatch.setenv("PIP_INDEX_URL", f"{mirror.url}/simple")
    result = bazel(*FETCH, *bootstrap_wheels())
    assert result.returncode == 0, result.stdout
    assert "corridorkey_probe.py" in result.stdout
    assert mirror.asked == ["/simple/corridorkey-probe/", f"/files/{NAME}"]


def test_a_wheel_other_than_the_locks_is_refused(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock(scratch, mirror.wheel + b"another")
    monkeypatch.setenv("PIP_INDEX_URL", f"{mirror.url}/simple")
    result = bazel(*FETCH, *bootstrap_wheels())
    assert result.returncode != 0
    assert "DO NOT MATCH THE HASHES" in result.stdout
    assert f"/files/{NAME}" in mirror.asked


def test_downloader_config_is_where_rules_pythons_own_wheels_come_from(
    bazel: nested_bazel.Bazel, scratch: Path, mirror: Mirror
) -> None:
    write_lock(scratch, mirror.wheel)
    config = scratch / "mirror.cfg"
    config.write_text(f"rewrite .*/(packages/.*) {mirror.url}/$1\n")
    result = bazel(
        *FETCH,
        f"--experimental_downloader_config={config}",
        "--repository_cache=",
        "--http_connector_attempts=1",
    )
    # The mirror has none of them, and says so with other bytes: asked, and not believed.
    assert any(path.endswith(".whl") for path in mirror.asked), result.stdout
    assert all(path.startswith("/packages/") for path in mirror.asked)
    assert result.returncode != 0
    assert "Checksum was" in result.stdout
