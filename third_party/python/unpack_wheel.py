"""Unpacks the one wheel of a requirements file with pip, and prints what it requires as JSON.

usage: unpack_wheel.py REQUIREMENTS [--kit=FOLDER] [--leave-out=PATH]...

The rule in wheels.bzl runs this program on the interpreter that the wheel is for. It uses the standard
library and that interpreter's pip only.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

_SITE_PACKAGES = Path("site-packages")
_WHEEL_FOLDERS = (sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels")
"""Folders in which Linux distributions keep the wheel of pip."""

_INSTALL = (
    *("install", "--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile"),
    *("--progress-bar=off", "--no-input", "--no-warn-script-location"),
)
_ENVIRONMENT = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    # These settings of a user make no sense for a target folder, and pip would stop.
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
}
_NOT_OURS = ("PYTHONHOME", "PYTHONPATH")
_NO_PIP = f"""\
{sys.executable} has no pip, and there is no pip wheel in {" or ".join(filter(None, _WHEEL_FOLDERS))}.
Install one (Debian: python3-pip-whl), or name another Python with --repo_env=CORRIDORKEY_PYTHON=.
"""


def find_pip() -> str | None:
    """Returns the path of pip's wheel, or None if this interpreter has pip installed.

    Puts the wheel on `sys.path`.

    Raises:
        SystemExit: There is no pip.
    """
    if importlib.util.find_spec("pip"):
        return None
    bundled = importlib.util.find_spec("ensurepip")
    folders = [Path(folder) for folder in _WHEEL_FOLDERS if folder]
    if bundled and bundled.origin:
        folders.append(Path(bundled.origin).with_name("_bundled"))
    for folder in folders:
        for wheel in sorted(folder.glob("pip-*.whl"), reverse=True):
            sys.path.insert(0, str(wheel))
            return str(wheel)
    sys.exit(_NO_PIP)


def install(requirements: Path, kit: Path | None, pip_wheel: str | None) -> None:
    """Installs the requirements into `site-packages` in the current folder.

    Args:
        requirements: Requirements file with hashes.
        kit: Folder of wheels to use instead of the index that this machine's pip is set up with.
        pip_wheel: Result of `find_pip`.

    Raises:
        SystemExit: pip fails. Its message is on stderr.
    """
    environment = {
        name: value for name, value in os.environ.items() if name not in _NOT_OURS
    } | _ENVIRONMENT
    source: tuple[str, ...] = ()
    if kit:
        environment.pop("PIP_FIND_LINKS", None)
        environment["PIP_CONFIG_FILE"] = os.devnull
        source = ("--no-index", f"--find-links={kit}")
    pip = [f"{pip_wheel}/pip"] if pip_wheel else ["-m", "pip"]
    # pip unpacks into TMPDIR and moves the result. Within one file system that is a rename.
    with tempfile.TemporaryDirectory(dir=".", prefix=".pip-") as scratch:
        environment["TMPDIR"] = str(Path(scratch).absolute())
        command = [sys.executable, "-IB", *pip, *_INSTALL, *source]
        command += [f"--target={_SITE_PACKAGES}", f"--requirement={requirements}"]
        # stdout is for the result.
        if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode:
            sys.exit(1)


def remove(paths: list[str]) -> None:
    """Removes what no build needs, or what would differ between machines.

    Args:
        paths: Further files and folders to remove, relative to `site-packages`.
    """
    for script in _SITE_PACKAGES.glob("bin/*"):
        # The first line of a script names this machine's interpreter. Binaries stay.
        with script.open("rb") as file:
            if file.read(2) == b"#!":
                script.unlink()
    for record in _SITE_PACKAGES.glob("*.dist-info/RECORD"):
        record.unlink()
    for path in paths:
        shutil.rmtree(_SITE_PACKAGES / path, ignore_errors=True)


def required() -> list[str]:
    """Returns the names of the packages that the unpacked wheel requires on this interpreter."""
    from pip._vendor.packaging.requirements import Requirement

    (wheel,) = importlib.metadata.distributions(path=[str(_SITE_PACKAGES)])
    requirements = [Requirement(text) for text in wheel.requires or []]
    return sorted(
        {
            requirement.name
            for requirement in requirements
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        }
    )


def main() -> None:
    """Runs the program."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("requirements", type=Path)
    parser.add_argument("--kit", type=Path)
    parser.add_argument("--leave-out", action="append", default=[])
    arguments = parser.parse_args()
    pip_wheel = find_pip()
    install(arguments.requirements, arguments.kit, pip_wheel)
    remove(arguments.leave_out)
    print(json.dumps(required()))


if __name__ == "__main__":
    main()
