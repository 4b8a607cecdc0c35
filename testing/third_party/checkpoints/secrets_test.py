"""Checks that only the hub sees its token: no command line, no log and no file contains it."""

import re
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from testing import command_lines, nested_bazel
from testing.servers import java_truststore
from testing.third_party.checkpoints import small_checkpoint

_TOKEN = "hf_" + "4f0b9d" * 6


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def httpserver_ssl_context(authority: trustme.CA) -> ssl.SSLContext:
    """TLS settings of pytest-httpserver's fixture `httpserver`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "nested"


@pytest.fixture
def bazel(
    scratch: Path, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[nested_bazel.Bazel]:
    """A Bazel of a user who has the token in the environment."""
    monkeypatch.setenv("HF_TOKEN", _TOKEN)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    trust = java_truststore.startup_option(tmp_path / "authority.pem", tmp_path)
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
    httpserver: HTTPServer,
    scratch: Path,
) -> None:
    def answer(_: Request) -> Response:
        time.sleep(0.5)  # `watched` looks at the command lines in the meantime.
        return Response(small_checkpoint.WEIGHTS if good else b"something else")

    login = {"Authorization": f"Bearer {_TOKEN}"}
    httpserver.expect_request(re.compile("/.*"), headers=login).respond_with_handler(answer)
    hub = httpserver.url_for("")
    with command_lines.watched() as seen:
        status, output = small_checkpoint.fetch(bazel, "", f"--repo_env=HF_ENDPOINT={hub}")
    assert (status == 0) == good, output
    httpserver.check_assertions()
    assert httpserver.log
    assert any(b"corridorkey_green" in line for line in seen), "no command line was recorded"
    assert not [line for line in seen if _TOKEN.encode() in line]
    assert _TOKEN not in output
    assert _holders(scratch) == []


def test_holders_finds_a_token_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"Authorization: Bearer {_TOKEN}\n")
    assert _holders(tmp_path) == ["log"]
