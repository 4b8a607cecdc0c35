"""Unpacks the one wheel of a requirements file with pip, and prints what it requires as JSON.

usage: unpack_wheel.py REQUIREMENTS [--kit=FOLDER] [--leave-out=PATH]...

The rule in wheels.bzl runs this program on the interpreter that the wheel is for. It uses only the
standard library and that interpreter's pip. Downloads stay in a folder of pip's cache, by digest,
because pip itself caches only what an index sends with Cache-Control, and many mirrors send none.
"""

import argparse
import contextlib
import errno
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

_SITE_PACKAGES = Path("site-packages")
_WHEEL_FOLDERS = (sysconfig.get_config_var("WHEEL_PKG_DIR"), "/usr/share/python-wheels")
"""Folders in which Linux distributions keep the wheel of pip."""

_WHEELS_ONLY = (
    *("--no-deps", "--require-hashes", "--only-binary=:all:"),
    *("--no-cache-dir", "--progress-bar=off", "--no-input"),
)
_INSTALL = ("install", *_WHEELS_ONLY, "--no-compile", "--no-warn-script-location")
_DOWNLOAD = ("download", *_WHEELS_ONLY)
_ENVIRONMENT = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    # These settings of a user make no sense for a target folder, and pip would stop.
    "PIP_REQUIRE_VIRTUALENV": "0",
    "PIP_USER": "0",
}
_NOT_OURS = ("PYTHONHOME", "PYTHONPATH")
_NO_PIP = f"""\
{sys.executable} has no pip, and there is no wheel of pip in /usr/share/python-wheels.
Install one (Debian: python3-pip-whl), or name another Python with
--repo_env=CORRIDORKEY_PYTHON=/path/to/python3.11.
"""

_PIP_FAILED = """\
{problem}
pip uses this machine's own configuration (PIP_INDEX_URL, pip.conf): third_party/MIRRORS.md.
"""
_DISK_IS_FULL = """\
The disk is full: {folder} has {free:,} MB free. {need}
Free some space and run the command again. README.md says how much a clone takes.
"""
_FULL = (errno.ENOSPC, errno.EDQUOT)


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


def run_pip(pip_wheel: str | None, *arguments: str, index: bool) -> None:
    """Runs pip.

    Args:
        pip_wheel: Result of `find_pip`.
        *arguments: pip's command line.
        index: Whether to use the index that this machine's pip is set up with.

    Raises:
        SystemExit: pip fails. The message is pip's.
        OSError: pip fails because the disk is full.
    """
    environment = {name: text for name, text in os.environ.items() if name not in _NOT_OURS}
    environment |= _ENVIRONMENT
    if not index:
        environment.pop("PIP_FIND_LINKS", None)
        environment["PIP_CONFIG_FILE"] = os.devnull
        arguments += ("--no-index",)
    pip = [f"{pip_wheel}/pip"] if pip_wheel else ["-m", "pip"]
    # pip unpacks into TMPDIR and moves the result. Within one file system that is a rename.
    with tempfile.TemporaryDirectory(dir=".", prefix=".pip-") as scratch:
        environment["TMPDIR"] = str(Path(scratch).absolute())
        command = [sys.executable, "-IB", *pip, *arguments]
        result = subprocess.run(
            command, env=environment, text=True, capture_output=True, check=False
        )
    if result.returncode:
        for number in _FULL:
            if os.strerror(number) in result.stderr:
                raise OSError(number, needed_space(result.stdout))
        problem = (result.stdout + without_traceback(result.stderr)).strip()
        sys.exit(_PIP_FAILED.format(problem=problem))


def without_traceback(text: str) -> str:
    """Returns pip's messages. Of a traceback, only the last line is left."""
    messages, traceback, rest = text.partition("Traceback (most recent call last):")
    return messages + rest.strip().rpartition("\n")[2] if traceback else text


def needed_space(output: str) -> str:
    """Returns a sentence on how much space pip needed.

    Args:
        output: What pip printed.
    """
    if unpacked := re.search(r"^ *Processing (.*\.whl)", output, re.MULTILINE):
        with zipfile.ZipFile(unpacked[1]) as wheel:
            size = sum(member.file_size for member in wheel.infolist())
        return f"Unpacking {Path(unpacked[1]).name} takes {size / 1e6:,.0f} MB."
    # pip downloads a file, copies it to its destination and then removes the first copy.
    if download := re.search(r"^ *Downloading (\S+\.whl) \((.*)\)", output, re.MULTILINE):
        return f"Downloading {Path(download[1]).name} takes twice {download[2]}."
    return ""


def cache_folder() -> Path | None:
    """Returns the folder of the wheels that clones share, or None if pip may not use a cache."""
    from pip._vendor.platformdirs import user_cache_dir

    if os.environ.get("PIP_NO_CACHE_DIR", "0").lower() not in ("0", "false", "no", "off"):
        return None
    cache = os.environ.get("PIP_CACHE_DIR") or user_cache_dir("pip", appauthor=False)
    return Path(cache).expanduser() / "corridorkey-wheels"


def find_cached(requirements: Path, cache: Path) -> Path | None:
    """Returns a cached wheel that fits the requirement and this interpreter."""
    from pip._vendor.packaging.tags import sys_tags
    from pip._vendor.packaging.utils import parse_wheel_filename

    supported = frozenset(sys_tags())
    for digest in re.findall(r"--hash=sha256:([0-9a-f]{64})", requirements.read_text()):
        for wheel in (cache / digest).glob("*.whl"):
            if parse_wheel_filename(wheel.name)[3] & supported and _sha256(wheel) == digest:
                return wheel
    return None


def find_in_kit(requirements: Path, kit: Path) -> list[Path]:
    """Returns the wheels of a kit that have the name and version of the requirement."""
    from pip._vendor.packaging.requirements import Requirement
    from pip._vendor.packaging.utils import (
        InvalidWheelFilename,
        canonicalize_name,
        parse_wheel_filename,
    )

    wanted = Requirement(requirements.read_text().partition("--hash")[0])
    found = []
    for wheel in kit.glob("*.whl"):
        with contextlib.suppress(InvalidWheelFilename):
            name, version, *_ = parse_wheel_filename(wheel.name)
            if (
                name == canonicalize_name(wanted.name)
                and wanted.specifier.contains(version, prereleases=True)
                and wheel.is_file()
            ):
                found.append(wheel)
    return found


def take(wheel: Path, folder: Path) -> None:
    """Copies a wheel into a folder.

    Raises:
        OSError: The disk is full, or the wheel cannot be read.
    """
    try:
        shutil.copyfile(wheel, folder / wheel.name)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        size = wheel.stat().st_size / 1e6
        raise OSError(error.errno, f"Copying {wheel.name} takes {size:,.0f} MB.") from None


def keep(wheel: Path, cache: Path) -> None:
    """Moves a wheel into the cache, whole or not at all, unless the cache is read-only."""
    folder = cache / _sha256(wheel)
    partial = folder / f".{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            shutil.move(wheel, partial)
            partial.replace(folder / wheel.name)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        print(f"{wheel.name} is not kept for other clones: {error}", file=sys.stderr)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def install(requirements: Path, kit: Path | None, pip_wheel: str | None) -> None:
    """Installs the requirement into `site-packages` in the current folder.

    Args:
        requirements: Requirements file with hashes.
        kit: Folder of wheels to use instead of the cache and the index.
        pip_wheel: Result of `find_pip`.

    Raises:
        SystemExit: pip fails.
        OSError: The disk is full.
    """
    requirement = f"--requirement={requirements}"
    target = f"--target={_SITE_PACKAGES}"
    cache = cache_folder()
    # Here, because Bazel removes what a killed run leaves in the folder of a repository.
    with tempfile.TemporaryDirectory(dir=".", prefix=".download-") as scratch:
        folder = Path(scratch)
        cached = None if kit or not cache else find_cached(requirements, cache)
        downloading = not kit and not cached
        # pip reads a wheel once to check its digest and again to unpack it. In a folder of others,
        # it could be another one by then.
        for wheel in find_in_kit(requirements, kit) if kit else filter(None, [cached]):
            take(wheel, folder)
        if downloading:
            run_pip(pip_wheel, *_DOWNLOAD, requirement, f"--dest={folder}", index=True)
        try:
            links = f"--find-links={folder}"
            run_pip(pip_wheel, *_INSTALL, requirement, links, target, index=False)
        finally:
            if downloading and cache:
                (wheel,) = folder.iterdir()
                keep(wheel, cache)


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
    try:
        install(arguments.requirements, arguments.kit, pip_wheel)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        free = shutil.disk_usage(".").free // 1_000_000
        sys.exit(_DISK_IS_FULL.format(folder=Path.cwd(), free=free, need=error.strerror))
    remove(arguments.leave_out)
    print(json.dumps(required()))


if __name__ == "__main__":
    main()
