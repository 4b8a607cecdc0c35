"""Runs nginx on loopback, in the role of a studio's internal server.

with nginx.serve(folder, scratch) as url:
    ...  # url + "/NAME" is the file NAME of the folder.
"""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
"""Path of this machine's nginx, or None. The Debian root has one."""

_TEMPORARY = ("client_body", "fastcgi", "proxy", "scgi", "uwsgi")

_CONFIGURATION = """\
daemon off;
master_process off;
user root;  # The only user of a sandbox. Ignored for any other user.
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log access.log;
    {temporary_folders}
    server {{
        listen 127.0.0.1:{port}{tls};
        root "{folder}";
    }}
}}
"""

_TLS = ' ssl; ssl_certificate "{certificate}"; ssl_certificate_key "{certificate}"'


@contextlib.contextmanager
def serve(folder: Path, scratch: Path, certificate: Path | None = None) -> Iterator[str]:
    """Serves a folder's files for a `with` block.

    Args:
        folder: Folder to serve. Changes in it take effect at once.
        scratch: Empty folder for the server's own files, `access.log` among them.
        certificate: PEM file of a certificate and its key. If given, the server uses HTTPS.

    Yields:
        The server's URL, without a slash at its end.

    Raises:
        RuntimeError: nginx ended before it answered.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    configuration = scratch / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            tls=_TLS.format(certificate=certificate) if certificate else "",
            temporary_folders=" ".join(f"{name}_temp_path {name};" for name in _TEMPORARY),
        )
    )
    assert PROGRAM
    command = [PROGRAM, "-e", "stderr", "-p", str(scratch), "-c", str(configuration)]
    with subprocess.Popen(command) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                time.sleep(0.01)
            else:
                raise RuntimeError(f"nginx ended with {process.returncode}; see its messages above")
            yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
        finally:
            process.terminate()
