"""Modules for the air-gap kit: from a registry on loopback to one in a folder, and a build of that.

The modules are two small ones beside those that this repository's MODULE.bazel names.
"""

import base64
import hashlib
import http.client
import io
import json
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from testing import nested_bazel
from tools.airgap_kit import bazel as another_bazel
from tools.airgap_kit import modules
from tools.airgap_kit.errors import GapError

_PATCH = """\
--- a/BUILD.bazel
+++ b/BUILD.bazel
@@ -1 +1 @@
-filegroup(name = "published")
+filegroup(name = "patched")
"""


def _integrity(content: bytes) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()


def _archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def upstream(httpserver: HTTPServer) -> str:
    """A registry with `one` 1.0, which has a patch, and `two` 1.0, which asks for `one` 0.9."""
    httpserver.no_handler_status_code = 404
    for name, version, more in (
        ("one", "0.9", ""),
        ("one", "1.0", ""),
        ("two", "1.0", 'bazel_dep(name = "one", version = "0.9")\n'),
    ):
        module = f'module(name = "{name}", version = "{version}")\n{more}'
        archive = _archive(
            {"MODULE.bazel": module, "BUILD.bazel": 'filegroup(name = "published")\n'}
        )
        source = {
            "url": httpserver.url_for(f"/{name}-{version}.tar.gz"),
            "integrity": _integrity(archive),
            "patches": {"build.patch": _integrity(_PATCH.encode())} if name == "one" else {},
            "patch_strip": 1,
        }
        entry = f"/modules/{name}/{version}"
        for path, content in {
            f"{entry}/MODULE.bazel": module,
            f"{entry}/patches/build.patch": _PATCH,
            f"{entry}/source.json": json.dumps(source),
            f"/{name}-{version}.tar.gz": archive,
        }.items():
            httpserver.expect_request(path).respond_with_data(content)
    return httpserver.url_for("")


@pytest.fixture
def bazel(tmp_path: Path) -> Iterator[nested_bazel.Bazel]:
    """A Bazel in a copy of this module that asks for both modules."""
    with nested_bazel.start(tmp_path / "nested") as run:
        module = tmp_path / "nested/workspace/MODULE.bazel"
        module.chmod(0o644)
        with module.open("a") as file:
            file.write('bazel_dep(name = "one", version = "1.0")\n')
            file.write('bazel_dep(name = "two", version = "1.0")\n')
        yield run


def test_from_a_registry_to_a_build_without_it(
    upstream: str,
    httpserver: HTTPServer,
    bazel: nested_bazel.Bazel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CORRIDORKEY_BAZEL", "\n".join(nested_bazel.command()))
    registry, archives = tmp_path / "kit/registry", tmp_path / "kit/distdir"
    # The user's Bazel has modules from the same registry.
    user = tmp_path / "nested/workspace/user.bazelrc"
    user.write_text(f"common --registry={upstream}\n")
    with another_bazel.start(tmp_path / "nested/workspace") as gathering:
        assert modules.gather(gathering, upstream, registry, archives) == {
            "one@1.0": ["one-1.0.tar.gz"],
            "two@1.0": ["two-1.0.tar.gz"],
        }
    user.unlink()
    assert {path.relative_to(registry).as_posix() for path in registry.rglob("*.*")} >= {
        "modules/one/0.9/MODULE.bazel",
        "modules/one/1.0/MODULE.bazel",
        "modules/one/1.0/patches/build.patch",
        "modules/one/1.0/source.json",
        "modules/two/1.0/source.json",
    }

    flags = (f"--registry=file://{registry}", f"--distdir={archives}", "--repository_cache=")
    result = bazel("query", "@one//:all + @two//:all", *flags)
    assert result.returncode == 0, result.stdout
    assert "@one//:patched" in result.stdout and "@two//:published" in result.stdout

    (archives / "two-1.0.tar.gz").write_bytes(b"something else")
    httpserver.clear()  # The registry is gone.
    bazel("clean", "--expunge")
    result = bazel("query", "@two//:all", *flags, "--http_connector_attempts=1")
    assert result.returncode != 0
    assert "two-1.0.tar.gz" in result.stdout


@pytest.mark.usefixtures("bazel")
def test_a_registry_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORRIDORKEY_BAZEL", "\n".join(nested_bazel.command()))
    # Port 1 of this machine: nothing listens there.
    with (
        another_bazel.start(tmp_path / "nested/workspace") as gathering,
        pytest.raises(GapError, match=r"Bazel cannot get modules from http://127.0.0.1:1:"),
    ):
        modules.gather(gathering, "http://127.0.0.1:1/", tmp_path / "kit", tmp_path / "kit")
    assert not (tmp_path / "kit").exists()


@pytest.mark.parametrize("userinfo", ["artist:secret", "artist:p/secret", "artist:p?secret"])
def test_a_registry_with_a_password_is_refused(userinfo: str, tmp_path: Path) -> None:
    fetching = another_bazel.Bazel(tmp_path, tmp_path)
    with pytest.raises(GapError, match=r"has a user name or a password; expected one") as caught:
        modules.gather(fetching, f"http://{userinfo}@127.0.0.1:1/", tmp_path, tmp_path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "path",
    ["/../secret", "/modules/../../secret", "//etc/passwd", "/modules", "/%2e%2e/secret", "/"],
)
def test_the_recorder_neither_serves_nor_writes_outside_its_folder(
    path: str, tmp_path: Path
) -> None:
    folder = tmp_path / "registry"
    (folder / "modules").mkdir(parents=True)
    (tmp_path / "secret").write_text("a secret")
    before = sorted(tmp_path.rglob("*"))
    # Port 1 of this machine: nothing listens there.
    with modules.recording("http://127.0.0.1:1", folder) as recorder:
        connection = http.client.HTTPConnection("127.0.0.1", recorder.server_port, timeout=5)
        connection.request("GET", path)  # Not urllib, which would normalize the path.
        response = connection.getresponse()
        assert response.status in (404, 502)
        assert b"a secret" not in response.read()
        connection.close()
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_was_in_the_folder_is_not_served(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    path = tmp_path / "modules/one/1.0/source.json"
    path.parent.mkdir(parents=True)
    path.write_text("somebody's")
    httpserver.expect_oneshot_request("/modules/one/1.0/source.json").respond_with_data("genuine")
    with modules.recording(httpserver.url_for(""), tmp_path) as recorder:
        for _ in range(2):
            connection = http.client.HTTPConnection("127.0.0.1", recorder.server_port, timeout=5)
            connection.request("GET", "/modules/one/1.0/source.json")
            assert connection.getresponse().read() == b"genuine"
            connection.close()
            path.write_text("somebody's")


@pytest.mark.parametrize(
    "answer",
    [
        b"\x1b]0;title\x07\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: http://[\x1b[31m/\r\n\r\n",
        b"HTTP/1.1 302 x\r\nLocation: http://h:\x1b[31m\xb2/\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n\x1b[31m\r\n",
    ],
    ids=["no HTTP", "to no address", "to no port", "no length"],
)
def test_a_registry_that_sends_nonsense_is_one_line(
    answer: bytes,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=[listener], daemon=True).start()
        upstream = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with modules.recording(upstream, tmp_path) as recorder:
            connection = http.client.HTTPConnection("127.0.0.1", recorder.server_port, timeout=5)
            connection.request("GET", "/modules/one/1.0/source.json")
            response = connection.getresponse()
            assert response.status == 502
            assert response.reason.isascii() and response.reason.isprintable()
            assert b"\x1b" not in response.read()
            connection.close()
    assert capfd.readouterr().err == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
