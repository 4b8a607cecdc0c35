"""Checks that only the hub sees its token: no command line, no log and no file contains it."""

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from testing import command_lines, nested_bazel
from testing.servers import java_truststore
from testing.third_party import small_checkpoint
from testing.third_party.authority import Authority

_TOKEN = "hf_" + "4f0b9d" * 6


class _Hub(http.server.BaseHTTPRequestHandler):
    """Answers slowly, and only with the token: with the weights or with something else."""

    body: ClassVar[bytes] = b""
    logged_in: ClassVar[int] = 0

    def do_GET(self) -> None:
        time.sleep(0.5)
        if self.headers.get("Authorization") != f"Bearer {_TOKEN}":
            self.send_error(401)
            return
        type(self).logged_in += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def hub(authority: Authority) -> Iterator[str]:
    """URL of the hub."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as running:
        running.socket = authority.server().wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "nested"


@pytest.fixture
def bazel(
    scratch: Path, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[nested_bazel.Bazel]:
    """A Bazel of a user who has the token in the environment."""
    monkeypatch.setenv("HF_TOKEN", _TOKEN)
    trust = java_truststore.startup_option(authority.bundle, tmp_path)
    with small_checkpoint.start(scratch, trust) as run:
        yield run


def _holders(folder: Path) -> list[str]:
    """Returns the files that contain the token."""
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and _TOKEN.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize("good", [True, False], ids=["fetched", "refused"])
def test_only_the_hub_sees_the_token(
    good: bool,
    bazel: nested_bazel.Bazel,
    hub: str,
    scratch: Path,
) -> None:
    _Hub.body = small_checkpoint.WEIGHTS if good else b"something else"
    _Hub.logged_in = 0
    with command_lines.watched() as seen:
        status, output = small_checkpoint.fetch(bazel, "", f"--repo_env=HF_ENDPOINT={hub}")
    assert (status == 0) == good, output
    assert _Hub.logged_in
    assert any(b"corridorkey_green" in line for line in seen), "no command line was recorded"
    assert not [line for line in seen if _TOKEN.encode() in line]
    assert _TOKEN not in output
    assert _holders(scratch) == []


def test_holders_finds_a_token_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"Authorization: Bearer {_TOKEN}\n")
    assert _holders(tmp_path) == ["log"]
