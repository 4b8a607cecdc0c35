"""Prints a JSON object that says what a process can see and do, for the sandbox test."""

import errno
import json
import pathlib
import socket
import sys


def _connect() -> str:
    """Asks for a route to an address for documentation (RFC 5737); a UDP connect sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outward:
        try:
            outward.connect(("192.0.2.1", 9))
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return "connected"


def _write_beside_source() -> str:
    """Tries to write into the workspace, to which the sandbox has links."""
    target = pathlib.Path(__file__).resolve().parent / "written_by_sandbox_probe"
    try:
        target.touch()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    target.unlink()
    return "written"


def probe() -> dict[str, object]:
    """Returns the facts that sandbox_test.py checks."""
    devices = pathlib.Path("/proc/net/dev").read_text().splitlines()[2:]
    return {
        "first_process": pathlib.Path("/proc/1/comm").read_text().strip(),
        "network_devices": [line.split(":")[0].strip() for line in devices],
        "connect": _connect(),
        "write_beside_source": _write_beside_source(),
        "sees_undeclared_file": pathlib.Path("MODULE.bazel").exists(),
    }


if __name__ == "__main__":
    json.dump(probe(), sys.stdout)
