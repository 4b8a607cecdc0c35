"""Fetches checkpoints from a real server: Bazel accepts the pinned bytes and nothing else."""

import base64
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from pytest_httpserver import HTTPServer

from testing import nested_bazel
from testing.servers import java_truststore
from testing.third_party.checkpoints import small_checkpoint
from testing.third_party.checkpoints.small_checkpoint import WEIGHTS, assert_one_message, fetch

HUB_PATH = (
    "/nikopueringer/CorridorKey_v1.0/resolve/f6386ddf042d8e92aeb5fd16cb9b101cff508195"
    "/CorridorKey_v1.0.safetensors"
)
TOKEN = "hf_not_a_real_token"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(httpserver: HTTPServer) -> HTTPServer:
    """Serves the weights at localhost. /elsewhere redirects to the same server's other name."""
    httpserver.expect_request("/weights").respond_with_data(WEIGHTS)
    _redirect(httpserver, "/elsewhere", httpserver)
    return httpserver


@pytest.fixture
def hub(authority: trustme.CA, server: HTTPServer) -> Iterator[HTTPServer]:
    """Redirects from the published checkpoint to `server`, as the hub does. Uses TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer(ssl_context=context) as running:
        _redirect(running, HUB_PATH, server)
        yield running


@pytest.fixture(scope="module")
def bazel(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    folder = tmp_path_factory.mktemp("trust")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    trust = java_truststore.startup_option(folder / "authority.pem", folder)
    with small_checkpoint.start(tmp_path_factory.mktemp("nested"), trust) as run:
        yield run


def _redirect(server: HTTPServer, path: str, target: HTTPServer) -> None:
    headers = {"Location": f"http://127.0.0.1:{target.port}/weights"}
    server.expect_request(path).respond_with_data(status=302, headers=headers)


def _requests(server: HTTPServer) -> list[tuple[str, str | None]]:
    """Returns the path and the Authorization header of each request."""
    return [(request.path, request.headers.get("Authorization")) for request, _ in server.log]


def test_mirror(bazel: nested_bazel.Bazel, server: HTTPServer) -> None:
    status, output = fetch(bazel, server.url_for("/weights"))
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
    bazel: nested_bazel.Bazel, server: HTTPServer, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine localhost\nlogin artist\npassword secret\n")
    status, output = fetch(bazel, server.url_for("/elsewhere"), f"--repo_env=HOME={tmp_path}")
    assert status == 0, output
    login = "Basic " + base64.b64encode(b"artist:secret").decode()
    assert _requests(server) == [("/elsewhere", login), ("/weights", None)]


def test_token_goes_to_the_hub_and_not_where_it_redirects(
    bazel: nested_bazel.Bazel, server: HTTPServer, hub: HTTPServer
) -> None:
    status, output = fetch(
        bazel, "", f"--repo_env=HF_ENDPOINT={hub.url_for('')}", f"--repo_env=HF_TOKEN={TOKEN}"
    )
    assert status == 0, output
    assert _requests(hub) == [(HUB_PATH, f"Bearer {TOKEN}")]
    assert _requests(server) == [("/weights", None)]


def test_token_does_not_go_to_a_hub_without_tls(
    bazel: nested_bazel.Bazel, server: HTTPServer
) -> None:
    status, output = fetch(
        bazel, "", f"--repo_env=HF_ENDPOINT={server.url_for('')}", f"--repo_env=HF_TOKEN={TOKEN}"
    )
    assert status != 0
    assert_one_message(output, "HF_TOKEN would cross the network unencrypted")
    assert _requests(server) == []
    assert TOKEN not in output


@pytest.mark.parametrize(
    "userinfo",
    [
        "artist:secret",
        "artist",
        "artist:p@secret",
        ":secret",
        "artist:p/secret",
        "artist:p?secret",
        "artist:secret#p",
    ],
)
def test_an_address_with_a_password_is_refused(
    bazel: nested_bazel.Bazel, server: HTTPServer, userinfo: str
) -> None:
    status, output = fetch(bazel, server.url_for("/weights").replace("://", f"://{userinfo}@"))
    assert status != 0
    assert_one_message(output, "the address contains a user name or password")
    assert "~/.netrc" in output
    assert _requests(server) == []
    assert "secret" not in output
    assert "artist" not in output


def test_only_the_host_of_an_address_is_in_the_message(
    bazel: nested_bazel.Bazel, server: HTTPServer
) -> None:
    status, output = fetch(bazel, server.url_for("/secret/missing?token=secret"))
    assert status != 0
    message = output.split("Checkpoint @corridorkey_green:")[1]
    assert f"looked in: http://{server.host}:{server.port}\n" in message
    assert "secret" not in message.split("To build without it")[0]


def test_hub_token_does_not_go_to_a_mirror(bazel: nested_bazel.Bazel, server: HTTPServer) -> None:
    status, _ = fetch(bazel, server.url_for("/weights"), f"--repo_env=HF_TOKEN={TOKEN}")
    assert status == 0
    assert _requests(server) == [("/weights", None)]
