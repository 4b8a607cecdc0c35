"""Gathers Bazel modules into a registry in a folder: the files that this build reads of a registry.

In the Debian root there are none to gather: the modules are part of the root.
"""

import base64
import contextlib
import http.client
import http.server
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from export.common.atomic import replacing
from export.common.printable import printable
from tools.airgap_kit import distdir
from tools.airgap_kit.bazel import Bazel
from tools.airgap_kit.errors import GapError

_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[\w.+~-]+)+", re.ASCII)
"""Paths of a registry. None leads out of its folder."""

_MODULE_REPOSITORY = re.compile(r"(?P<module>[\w.-]+)(?:[~+][\w.-]*)?", re.ASCII)
"""Canonical names of modules' repositories. Bazel 7 writes `~`, later versions write `+`."""


class _Recorder(http.server.ThreadingHTTPServer):
    """A registry on loopback that forwards requests to another one and keeps the files.

    It requests no file twice, because a registry never changes the files of a version. It serves no
    file that was in the folder before: somebody else may have put it there.

    Attributes:
        url: URL of this registry.
        upstream: URL of the other registry.
        folder: Folder of the files.
        found: Content of the requested files that exist, by path.
    """

    def __init__(self, upstream: str, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.upstream = upstream.rstrip("/")
        self.folder = folder
        self.found: dict[str, bytes] = {}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Recorder

    def do_GET(self) -> None:
        if not _PATH.fullmatch(self.path):
            self.send_error(404)
            return
        found, path = self.server.found, self.server.folder / self.path.lstrip("/")
        try:
            if self.path not in found:
                with urllib.request.urlopen(self.server.upstream + self.path) as response:
                    content: bytes = response.read()
                path.parent.mkdir(parents=True, exist_ok=True)
                with replacing(path) as partial:
                    partial.write_bytes(content)
                found[self.path] = content
        except urllib.error.HTTPError as error:
            self.send_error(error.code)
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The other registry may have sent this text, and Bazel prints the status line.
            reason = printable(f"{type(error).__name__}: {error}")
            self.send_error(502, reason.encode("ascii", "backslashreplace").decode())
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(found[self.path])))
        self.end_headers()
        self.wfile.write(found[self.path])

    def log_message(self, *_: object) -> None:
        """Prints nothing: Bazel reports errors."""


@contextlib.contextmanager
def recording(upstream: str, folder: Path) -> Iterator[_Recorder]:
    """Runs a recorder for a `with` block.

    Args:
        upstream: URL of the registry to forward to.
        folder: Folder for the files.

    Yields:
        The recorder.
    """
    with _Recorder(upstream, folder) as recorder:
        threading.Thread(target=recorder.serve_forever, daemon=True).start()
        yield recorder
        recorder.shutdown()


def gather(bazel: Bazel, upstream: str, registry: Path, archives: Path) -> dict[str, list[str]]:
    """Makes a registry of every module that the workspace's MODULE.bazel leads to.

    Args:
        bazel: Resolves and fetches the modules, in that workspace.
        upstream: URL of the registry to gather from.
        registry: Folder for `--registry`.
        archives: Folder for `--distdir`. It gets the archives that the registry names.

    Returns:
        Name of the archive of each module that the build uses, by `NAME@VERSION`.

    Raises:
        GapError: Bazel cannot fetch a module, or the URL has a user name or a password.
    """
    # An @ anywhere, as in tools/debian_root/make: a password may contain a slash.
    is_remote = not upstream.startswith("file:")
    if is_remote and "@" in upstream:
        raise GapError(
            "the address of the registry has a user name or a password; expected one without. "
            "Name another with --registry"
        )
    scheme, separator, rest = upstream.partition("://")
    host = re.split("[/?#]", rest)[0] if is_remote else rest
    shown = printable(scheme + separator + host)
    modules = {}
    with recording(upstream, registry) as recorder:
        bazel.prefer(recorder.url)
        output = bazel.fetch("@@bazel_tools")
        sources = sorted(path for path in recorder.found if path.endswith("/source.json"))
        if not sources:
            raise GapError(f"Bazel cannot get modules from {shown}:\n{output}")
        names = _canonical_names(bazel)
        for path in sources:
            _, _, name, version, _ = path.split("/")
            source = json.loads(recorder.found[path])
            if "url" not in source:
                raise GapError(f"{shown}: module {name} {version} is not an archive")
            digest = base64.b64decode(source["integrity"].removeprefix("sha256-")).hex()
            # Patches come from the registry itself, and the recorder keeps them.
            modules[f"{name}@{version}"] = distdir.gather(
                bazel, archives, f"@@{names.get(name, name)}", {source["url"]: digest}
            )
    return modules


def _canonical_names(bazel: Bazel) -> dict[str, str]:
    """Returns the canonical name of each module's repository, by the name of the module."""
    names: dict[str, str] = {}
    repositories = [""]
    for repository in repositories:
        output = bazel.run("mod", "dump_repo_mapping", repository)
        for line in output.splitlines():
            if line.startswith("{"):
                for canonical in json.loads(line).values():
                    match = _MODULE_REPOSITORY.fullmatch(canonical)
                    if match and match["module"] not in names:
                        names[match["module"]] = canonical
                        repositories.append(canonical)
    return names
