"""Gathers Bazel modules: copies what a build reads from a registry into a registry in a folder.

The Debian root has its modules, so there is nothing to gather there.
"""

import base64
import contextlib
import http.server
import json
import re
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

# Path of a file in a registry. No part of it begins with a dot.
_PATH = re.compile(r"(?:/[A-Za-z0-9_+~-][A-Za-z0-9._+~-]*)+")


class _Recorder(http.server.ThreadingHTTPServer):
    """A registry on loopback that forwards requests to another one and keeps the files.

    A file that it has is not requested again: a registry never changes the files of a version.

    Attributes:
        url: Address of this registry.
        upstream: Address of the other registry.
        folder: Folder of the files.
        asked: Paths that were requested and found.
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
        # Bazel is not the only program on this machine that can send a request.
        if not _PATH.fullmatch(self.path):
            self.send_error(400, "not a path of a registry")
            return
        path = self.server.folder / self.path.removeprefix("/")
        try:
            if not path.is_file():
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
        """Prints nothing: Bazel reports what failed."""


@contextlib.contextmanager
def recording(upstream: str, folder: Path) -> Iterator[_Recorder]:
    """Runs a recorder for a `with` block.

    Args:
        upstream: URL of the registry that it forwards to.
        folder: Folder in which it keeps the files.
    """
    with _Recorder(upstream, folder) as recorder:
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        yield recorder
        recorder.shutdown()


def gather(bazel: Bazel, upstream: str, registry: Path, archives: Path) -> dict[str, list[str]]:
    """Makes a registry of every module that the workspace's MODULE.bazel needs.

    Args:
        bazel: Bazel in that workspace, which resolves and fetches the modules.
        upstream: URL of the registry that has them.
        registry: Folder for `--registry`.
        archives: Folder for `--distdir`, for the modules' archives.

    Returns:
        Names of the archives, by `NAME@VERSION` of each module that is used.

    Raises:
        GapError: A module cannot be downloaded.
    """
    modules = {}
    with recording(upstream, registry) as recorder:
        flag = f"--registry={recorder.url}"
        output = bazel.fetch("@@bazel_tools", flag)
        sources = sorted(path for path in recorder.asked if path.endswith("/source.json"))
        if not sources:
            raise GapError(f"no module could be downloaded from {upstream}. Bazel says:\n{output}")
        for path in sources:
            _, _, name, version, _ = path.split("/")
            source = json.loads((registry / path.lstrip("/")).read_text())
            if "url" not in source:
                raise GapError(
                    f"module {name} {version} has no archive in {upstream}; expected a URL"
                )
            sha256 = base64.b64decode(source["integrity"].removeprefix("sha256-")).hex()
            # Patches and overlays come from the registry itself; the recorder keeps them.
            modules[f"{name}@{version}"] = distdir.gather(
                bazel, archives, f"@@{name}~", {source["url"]: sha256}, [flag]
            )
    return modules
