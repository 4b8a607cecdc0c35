"""Downloads the wheels of locks for this machine's Python, each checked against its digests."""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from export.common.child_environment import child_environment
from export.common.digests import sha256
from export.common.lock_file import Pin
from tools.airgap_kit import inventory
from tools.airgap_kit.errors import GapError

_PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
    *("--no-cache-dir", "--no-deps", "--only-binary=:all:", "--require-hashes"),
)


def gather(hubs: Mapping[str, Iterable[Pin]], folder: Path) -> dict[str, list[str]]:
    """Makes a folder hold exactly the wheels of some hubs.

    Keeps the wheels in the folder that have a digest of the lock, and removes all others. Each new
    wheel appears whole or not at all. pip uses the index that this machine's pip is set up with.

    Args:
        hubs: Pins by name of the hub.
        folder: Folder of the wheels of all hubs.

    Returns:
        File names by hub.

    Raises:
        GapError: pip cannot download a wheel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    supported = frozenset(sys_tags())
    present = {
        sha256(wheel): wheel.name
        for wheel in folder.glob("*.whl")
        if parse_wheel_filename(wheel.name)[3] & supported
    }
    found: dict[str, list[str]] = {}
    for hub, lock in hubs.items():
        pins = list(lock)
        for number, pin in enumerate(pins, 1):
            if present.keys().isdisjoint(pin.sha256):
                click.echo(f"{hub}: wheel {number} of {len(pins)}: {pin.requirement}")
                wheel = _download(pin, folder)
                present[sha256(wheel)] = wheel.name
        found[hub] = sorted(
            present[digest] for pin in pins for digest in pin.sha256 if digest in present
        )
    inventory.keep_only(folder, (name for names in found.values() for name in names))
    return found


def _download(pin: Pin, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix=".download.", dir=folder) as name:
        scratch = Path(name)
        requirements = scratch / "requirements.txt"
        hashes = (f"--hash=sha256:{digest}" for digest in pin.sha256)
        requirements.write_text(" ".join([pin.requirement, *hashes]))
        command = [*_PIP_DOWNLOAD, f"--requirement={requirements}", f"--dest={scratch}"]
        if subprocess.run(command, env=child_environment(), check=False).returncode:
            raise GapError(
                f"pip could not download {pin.requirement}; its output is above. Run this again "
                "where pip reaches an index that has it (PIP_INDEX_URL, pip.conf), or name the "
                "hubs that you need with --hub"
            )
        (wheel,) = scratch.glob("*.whl")
        return wheel.rename(folder / wheel.name)
