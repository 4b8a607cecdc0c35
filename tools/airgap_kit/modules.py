"""Bazel modules, as a registry in a folder: what this build reads of the registry it is told of.

In the air-gapped root there are none to gather: the modules are part of the root.
"""

import base64
import contextlib
import http.server
import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from export.common.atomic import replacing
from tools.airgap_kit import distdir
from tools.airgap_kit.bazel import Bazel
from tools.airgap_kit.errors import GapError


class _Recorder(http.server.ThreadingHTTPServer):
    """A registry on loopback that passes another one on and keeps all that it is asked for.

    What it has it does not ask for again: a registry never changes the files of a version.

    Attributes:
        url: Where it listens.
        upstream: URL of the other registry.
        folder: Where the files are kept.
        asked: Paths that were asked for and found.
    """

    def __init__(self, upstream: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.upstream = upstream.rstrip("/")
        self.folder = folder
        self.asked: set[str] = set()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Recorder

    def do_GET(self) -> None:
        path = self.server.folder / self.path.lstrip("/")
        try:
            if not path.exists():
                with urllib.request.urlopen(self.server.upstream + self.path) as response:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with replacing(path) as partial, partial.open("wb") as file:
                        shutil.copyfileobj(response, file)
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        except OSError as error:
            self.send_error(502, str(error))
            return
        self.server.asked.add(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.end_headers()
        self.wfile.write(path.read_bytes())

    def log_message(self, *_: object) -> None:
        """Keeps quiet: Bazel says what went wrong."""


@contextlib.contextmanager
def _recording(upstream: str, folder: Path) -> Iterator[_Recorder]:
    with _Recorder(upstream, folder) as recorder:
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        yield recorder
        recorder.shutdown()


def gather(bazel: Bazel, upstream: str, registry: Path, archives: Path) -> dict[str, list[str]]:
    """Makes a registry of every module that the workspace's MODULE.bazel leads to.

    Args:
        bazel: Resolves and fetches them, in that workspace.
        upstream: URL of the registry that has them.
        registry: Folder for `--registry`.
        archives: Folder for `--distdir`: what the modules' addresses lead to.

    Returns:
        For `NAME@VERSION` of each that is used, the name of its archive.

    Raises:
        GapError: A module cannot be had.
    """
    modules = {}
    with _recording(upstream, registry) as recorder:
        flag = f"--registry={recorder.url}"
        words = bazel.fetch("@@bazel_tools", flag)
        sources = sorted(path for path in recorder.asked if path.endswith("/source.json"))
        if not sources:
            raise GapError(f"modules cannot be had from {upstream}. Bazel's own words:\n{words}")
        for path in sources:
            _, _, name, version, _ = path.split("/")
            source = json.loads((registry / path.lstrip("/")).read_text())
            if "url" not in source:
                raise GapError(f"module {name} {version} is no archive in {upstream}")
            sha256 = base64.b64decode(source["integrity"].removeprefix("sha256-")).hex()
            # Patches and the like come from the registry itself, and are kept as they pass.
            modules[f"{name}@{version}"] = distdir.gather(
                bazel, archives, f"@@{name}~", {source["url"]: sha256}, [flag]
            )
    return modules
