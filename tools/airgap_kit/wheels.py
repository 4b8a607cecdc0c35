"""The wheels of a lock: those for this machine's Python, each held to the lock's digests."""

import dataclasses
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import click
from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from export.common.digests import digest
from tools.airgap_kit import inventory
from tools.airgap_kit.errors import GapError

_PIP_DOWNLOAD = (
    *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
    *("--no-cache-dir", "--no-deps", "--only-binary=:all:", "--require-hashes"),
)


@dataclasses.dataclass(frozen=True)
class Pin:
    """One package of a lock.

    Attributes:
        requirement: `NAME==VERSION`.
        sha256: Of every file that it may be, one for each platform.
    """

    requirement: str
    sha256: frozenset[str]


def read_lock(text: str) -> list[Pin]:
    """The pins of a lock that pip-compile wrote with `--generate-hashes`."""
    lines = text.replace("\\\n", "").splitlines()
    pins = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [
        Pin(requirement, frozenset(option.removeprefix("--hash=sha256:") for option in options))
        for requirement, *options in pins
    ]


def gather(hubs: Mapping[str, Iterable[Pin]], folder: Path) -> dict[str, list[str]]:
    """Makes a folder hold exactly the wheels of some hubs.

    A wheel that is there already, with one of the lock's digests, is left alone; any other goes.
    Each new one appears whole or not at all. The index is the one that this machine's pip is set up
    with.

    Args:
        hubs: Pins by the name of the hub.
        folder: Where the wheels of all hubs lie, side by side.

    Returns:
        File names by hub.

    Raises:
        GapError: pip cannot download a wheel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    supported = frozenset(sys_tags())
    present = {
        digest(wheel)["sha256"]: wheel.name
        for wheel in folder.glob("*.whl")
        if parse_wheel_filename(wheel.name)[3] & supported
    }
    found: dict[str, list[str]] = {}
    for hub, lock in hubs.items():
        pins = list(lock)
        for number, pin in enumerate(pins, 1):
            if not pin.sha256 & present.keys():
                click.echo(f"{hub}: wheel {number} of {len(pins)}: {pin.requirement}")
                wheel = _download(pin, folder)
                present[digest(wheel)["sha256"]] = wheel.name
        found[hub] = sorted(
            present[sha256] for pin in pins for sha256 in pin.sha256 & present.keys()
        )
    inventory.keep_only(folder, (name for names in found.values() for name in names))
    return found


def _download(pin: Pin, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(prefix=".download.", dir=folder) as name:
        scratch = Path(name)
        requirements = scratch / "requirements.txt"
        hashes = (f"--hash=sha256:{sha256}" for sha256 in sorted(pin.sha256))
        requirements.write_text(" ".join([pin.requirement, *hashes]))
        command = [*_PIP_DOWNLOAD, f"--requirement={requirements}", f"--dest={scratch}"]
        if subprocess.run(command, check=False).returncode:
            raise GapError(
                f"pip could not download {pin.requirement}; its own words are above. Run this "
                "again where pip reaches an index that has it (PIP_INDEX_URL, pip.conf), or name "
                "the hubs that you need with --hub"
            )
        (wheel,) = scratch.glob("*.whl")
        return wheel.rename(folder / wheel.name)
