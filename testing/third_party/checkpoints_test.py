"""Fetches checkpoints from a real server: Bazel accepts the pinned bytes and nothing else."""

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from testing import nested_bazel
from testing.servers import java_truststore
from testing.third_party import small_checkpoint
from testing.third_party.authority import Authority
from testing.third_party.small_checkpoint import WEIGHTS, assert_one_message, fetch

PAGES = {
    "/weights": WEIGHTS,
    "/flipped": WEIGHTS[:-1] + b"\x00",
    "/login": b"<!DOCTYPE html><html><body>Please sign in</body></html>",
    "/pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "/empty": b"",
}
HUB_PATH = (
    "/nikopueringer/CorridorKey_v1.0/resolve/f6386ddf042d8e92aeb5fd16cb9b101cff508195"
    "/CorridorKey_v1.0.safetensors"
)
TOKEN = "hf_not_a_real_token"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves PAGES. /gated needs a login; /elsewhere and the hub's path redirect to /weights."""

    requests: ClassVar[list[tuple[str, str | None]]] = []
    """Path and Authorization header of each request."""
    plain_port: ClassVar[int]
    """Port of the server without TLS."""

    def do_GET(self) -> None:
        """Answers and records a request. A redirect leads to the plain server, at another name."""
        self.requests.append((self.path, self.headers.get("Authorization")))
        if self.path in ("/elsewhere", HUB_PATH):
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.plain_port}/weights")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/gated" and self.headers.get("Authorization") is None:
            self.send_error(401)
        elif self.path in PAGES or self.path == "/gated":
            body = PAGES.get(self.path, WEIGHTS)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Prints nothing."""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URL of the server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        Handler.plain_port = running.server_port
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="module")
def hub(authority: Authority) -> Iterator[str]:
    """URL of the same server with TLS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.socket = authority.server().wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="module")
def bazel(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    trust = java_truststore.startup_option(authority.bundle, tmp_path_factory.mktemp("trust"))
    with small_checkpoint.start(tmp_path_factory.mktemp("nested"), trust) as run:
        yield run


def test_mirror(bazel: nested_bazel.Bazel, server: str) -> None:
    status, output = fetch(bazel, f"{server}/weights")
    assert status == 0, output


def test_local_copy(bazel: nested_bazel.Bazel, tmp_path: Path) -> None:
    copy = tmp_path / "100 % mine.safetensors"
    copy.write_bytes(WEIGHTS)
    status, output = fetch(bazel, str(copy))
    assert status == 0, output


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "there is no such file"),
        (Path.mkdir, "that is a folder"),
        (lambda path: path.write_bytes(WEIGHTS + b"x"), "it is incomplete or has the wrong digest"),
    ],
    ids=["missing", "folder", "wrong"],
)
def test_bad_local_copy(
    bazel: nested_bazel.Bazel, tmp_path: Path, make: Callable[[Path], object], problem: str
) -> None:
    make(tmp_path / "weights")
    status, output = fetch(bazel, str(tmp_path / "weights"))
    assert status != 0
    assert_one_message(output, problem)


def test_relative_local_copy(bazel: nested_bazel.Bazel) -> None:
    status, output = fetch(bazel, "weights.safetensors")
    assert status != 0
    assert_one_message(output, "a local copy needs an absolute path")


def test_netrc_reaches_the_mirror_and_stays_there(
    bazel: nested_bazel.Bazel, server: str, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1\nlogin artist\npassword secret\n")
    flag = f"--repo_env=HOME={tmp_path}"
    assert fetch(bazel, f"{server}/gated", flag)[0] == 0
    Handler.requests.clear()
    assert fetch(bazel, f"{server}/elsewhere", flag)[0] == 0
    authorization = dict(Handler.requests)
    assert authorization["/elsewhere"] is not None
    assert authorization["/weights"] is None


def test_token_goes_to_the_hub_and_not_where_it_redirects(
    bazel: nested_bazel.Bazel, server: str, hub: str
) -> None:
    del server  # The redirect leads there.
    Handler.requests.clear()
    status, output = fetch(
        bazel, "", f"--repo_env=HF_ENDPOINT={hub}", f"--repo_env=HF_TOKEN={TOKEN}"
    )
    assert status == 0, output
    assert Handler.requests == [(HUB_PATH, f"Bearer {TOKEN}"), ("/weights", None)]


def test_token_does_not_go_to_a_hub_without_tls(bazel: nested_bazel.Bazel, server: str) -> None:
    Handler.requests.clear()
    status, output = fetch(
        bazel, "", f"--repo_env=HF_ENDPOINT={server}", f"--repo_env=HF_TOKEN={TOKEN}"
    )
    assert status != 0
    assert_one_message(output, "HF_TOKEN would cross the network unencrypted")
    assert Handler.requests == []
    assert TOKEN not in output


@pytest.mark.parametrize("userinfo", ["artist:secret", "artist", "artist:p@secret", ":secret"])
def test_an_address_with_a_password_is_refused(
    bazel: nested_bazel.Bazel, server: str, userinfo: str
) -> None:
    Handler.requests.clear()
    status, output = fetch(bazel, server.replace("://", f"://{userinfo}@") + "/weights")
    assert status != 0
    assert_one_message(output, "the address contains a user name or password")
    assert "~/.netrc" in output
    assert Handler.requests == []
    assert "secret" not in output
    assert "artist" not in output


def test_hub_token_does_not_go_to_a_mirror(bazel: nested_bazel.Bazel, server: str) -> None:
    Handler.requests.clear()
    status, _ = fetch(bazel, f"{server}/weights", f"--repo_env=HF_TOKEN={TOKEN}")
    assert status == 0
    assert Handler.requests == [("/weights", None)]
