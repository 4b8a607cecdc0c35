"""Checkpoints from a real HTTP server: the pinned bytes come in, and nothing else does."""

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from testing import nested_bazel

WEIGHTS = b"\x08\x00\x00\x00\x00\x00\x00\x00{}" + bytes(range(256)) * 64
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
    """Serves PAGES. /gated wants a login; /elsewhere and the hub's path redirect to /weights."""

    seen: ClassVar[list[tuple[str, str | None]]] = []
    """Path and Authorization header of each request."""

    def do_GET(self) -> None:
        """Answers, and remembers what was asked. A redirect leads to another host name."""
        self.seen.append((self.path, self.headers.get("Authorization")))
        if self.path in ("/elsewhere", HUB_PATH):
            self.send_response(302)
            port = self.connection.getsockname()[1]
            self.send_header("Location", f"http://localhost:{port}/weights")
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
        """Keeps quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


@pytest.fixture(scope="module")
def bazel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[nested_bazel.Bazel]:
    """A Bazel whose @corridorkey_green is pinned to WEIGHTS in place of the published file."""
    scratch = tmp_path_factory.mktemp("nested")
    with nested_bazel.start(scratch) as run:
        pins = scratch / "workspace/third_party/checkpoints/checkpoints.bzl"
        published = "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b"
        text = pins.read_text()
        assert text.count(published) == 1
        pins.chmod(0o644)
        pins.write_text(text.replace(published, hashlib.sha256(WEIGHTS).hexdigest()))
        yield run


def fetch(bazel: nested_bazel.Bazel, source: str, *flags: str) -> tuple[int, str]:
    # No repository cache: the pinned bytes must come from `source` each time.
    result = bazel(
        "query",
        "@corridorkey_green//:all",
        "--repository_cache=",
        "--http_connector_attempts=1",
        f"--repo_env=CORRIDORKEY_GREEN={source}",
        *flags,
    )
    return result.returncode, result.stdout


def test_mirror(bazel: nested_bazel.Bazel, server: str) -> None:
    status, output = fetch(bazel, f"{server}/weights")
    assert status == 0, output


def test_local_copy(bazel: nested_bazel.Bazel, tmp_path: Path) -> None:
    copy = tmp_path / "100 % mine.safetensors"
    copy.write_bytes(WEIGHTS)
    status, output = fetch(bazel, str(copy))
    assert status == 0, output


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (
            "/flipped",
            "it has the wrong digest",
        ),
        ("/login", "it is a web page (HTML), not weights"),
        ("/pointer", "it is a Git LFS pointer, not weights"),
        ("/empty", "it is an empty file"),
        ("/missing", "the server answers 404 Not Found"),
        ("/gated", "the server answers 401 Unauthorized"),
    ],
)
def test_mirror_with_something_else(
    bazel: nested_bazel.Bazel, server: str, path: str, problem: str
) -> None:
    status, output = fetch(bazel, server + path)
    assert status != 0
    assert_one_message(output, problem)


def test_unreachable_mirror(bazel: nested_bazel.Bazel) -> None:
    # Port 1 of this machine: nothing listens there.
    status, output = fetch(bazel, "http://127.0.0.1:1/weights")
    assert status != 0
    assert_one_message(output, "it cannot be reached")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "there is no such file"),
        (Path.mkdir, "that is a folder"),
        (lambda path: path.write_bytes(WEIGHTS + b"x"), "it has the wrong digest"),
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
    Handler.seen.clear()
    assert fetch(bazel, f"{server}/elsewhere", flag)[0] == 0
    authorization = dict(Handler.seen)
    assert authorization["/elsewhere"] is not None
    assert authorization["/weights"] is None


def test_token_goes_to_the_hub_and_not_where_it_redirects(
    bazel: nested_bazel.Bazel, server: str
) -> None:
    Handler.seen.clear()
    status, output = fetch(
        bazel, "", f"--repo_env=HF_ENDPOINT={server}", f"--repo_env=HF_TOKEN={TOKEN}"
    )
    assert status == 0, output
    assert Handler.seen == [(HUB_PATH, f"Bearer {TOKEN}"), ("/weights", None)]


def test_hub_token_does_not_go_to_a_mirror(bazel: nested_bazel.Bazel, server: str) -> None:
    Handler.seen.clear()
    status, _ = fetch(bazel, f"{server}/weights", f"--repo_env=HF_TOKEN={TOKEN}")
    assert status == 0
    assert Handler.seen == [("/weights", None)]


def assert_one_message(output: str, problem: str) -> None:
    """The message stands there once: which checkpoint, what is wrong, three ways to supply it."""
    assert output.count(f"Checkpoint @corridorkey_green: {problem}") == 1, output
    message = output.split("Checkpoint @corridorkey_green:")[1]
    for way in ("1. a local copy:", "2. a mirror:", "3. the hub:", "--config=untrained"):
        assert message.count(way) == 1, output
