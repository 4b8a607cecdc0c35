"""Tests what unpack_wheel.py removes from a wheel, reads from it and says on a full disk."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pip
import pytest

from testing.third_party import tiny_wheel
from third_party.python import unpack_wheel

_METADATA = """\
Metadata-Version: 2.1
Name: probe
Version: 1.0
Requires-Dist: always>=1
Requires-Dist: with-extra[cli] (>=2)
Requires-Dist: here; python_version >= "3.11"
Requires-Dist: old; python_version < "3.0"
Requires-Dist: elsewhere; sys_platform == "nowhere"
Requires-Dist: optional; extra == "more"
Requires-Dist: here; implementation_name == "cpython"
"""


@pytest.fixture(autouse=True)
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the folder of an unpacked wheel in the current folder."""
    monkeypatch.chdir(tmp_path)
    info = tmp_path / "site-packages/probe-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(_METADATA)
    return info.parent


def test_requirements_of_this_interpreter_only() -> None:
    assert unpack_wheel.find_pip() is None
    assert unpack_wheel.required() == ["always", "here", "with-extra"]


def test_what_differs_between_machines_is_removed(site_packages: Path) -> None:
    for name, content in {
        "bin/script": b"#!/this/machine/python\n",
        "bin/program": b"\x7fELF",
        "probe-1.0.dist-info/RECORD": b"bin/script,sha256=...\n",
        "probe/include/deep/header.h": b"",
        "probe/module.py": b"",
    }.items():
        (site_packages / name).parent.mkdir(parents=True, exist_ok=True)
        (site_packages / name).write_bytes(content)
    unpack_wheel.remove(["probe/include", "other/include"])
    left = (path for path in site_packages.rglob("*") if path.is_file())
    assert sorted(path.relative_to(site_packages).as_posix() for path in left) == [
        "bin/program",
        "probe-1.0.dist-info/METADATA",
        "probe/module.py",
    ]


def test_the_cache_is_pips_and_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_CACHE_DIR", "/cache")
    monkeypatch.delenv("PIP_NO_CACHE_DIR", raising=False)
    assert unpack_wheel.cache_folder() == Path("/cache/corridorkey-wheels")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    assert unpack_wheel.cache_folder() is None


_PIP_ON_A_FULL_DISK = """\
ERROR: Could not install packages due to an OSError.
Traceback (most recent call last):
  File "base_command.py", line 105, in _run_wrapper
    status = _inner_run()
OSError: [Errno 28] No space left on device
"""


def test_only_the_last_line_of_a_traceback_is_left() -> None:
    assert unpack_wheel.without_traceback(_PIP_ON_A_FULL_DISK) == (
        "ERROR: Could not install packages due to an OSError.\n"
        "OSError: [Errno 28] No space left on device"
    )
    assert unpack_wheel.without_traceback("ERROR: why\n") == "ERROR: why\n"


def test_a_download_needs_space_for_two_copies() -> None:
    output = "Collecting torch==2.7.1\n  Downloading torch-2.7.1-cp311.whl (821.2 MB)\n"
    assert unpack_wheel.needed_space(output) == (
        "Downloading torch-2.7.1-cp311.whl takes twice 821.2 MB."
    )


@pytest.mark.parametrize("source", ["kit", "cache"])
def test_a_wheel_that_changes_after_it_was_read_is_not_unpacked(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tiny_wheel.make_wheel(b"genuine = True\n")
    digest = hashlib.sha256(content).hexdigest()
    folder = tmp_path / "corridorkey-wheels" / digest if source == "cache" else tmp_path / "kit"
    folder.mkdir(parents=True)
    wheel = folder / tiny_wheel.NAME
    wheel.write_bytes(content)
    for other in ("other-1.0-py3-none-any.whl", "corridorkey_probe-2.0-py3-none-any.whl", "x.whl"):
        wheel.with_name(other).touch()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"corridorkey-probe==1.0 --hash=sha256:{digest}\n")
    shutil.rmtree(tmp_path / "site-packages")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("PIP_NO_CACHE_DIR", raising=False)
    run_pip = unpack_wheel.run_pip

    def change_and_run_pip(*arguments: str | None, index: bool) -> None:
        wheel.write_bytes(tiny_wheel.make_wheel(b"genuine = False\n"))
        run_pip(*arguments, index=index)  # type: ignore[arg-type]

    monkeypatch.setattr(unpack_wheel, "run_pip", change_and_run_pip)
    pip_of_this_test = str(Path(pip.__file__).parents[1])
    unpack_wheel.install(requirements, folder if source == "kit" else None, pip_of_this_test)
    assert (tmp_path / "site-packages/corridorkey_probe.py").read_text() == "genuine = True\n"
    assert not list(tmp_path.glob(".*"))


def test_a_full_disk_is_one_message_with_the_space_that_is_needed(tmp_path: Path) -> None:
    wheel = tiny_wheel.make_wheel(bytes(8_000_000))
    kit = tmp_path / "kit"
    kit.mkdir()
    (kit / tiny_wheel.NAME).write_bytes(wheel)
    requirements = tmp_path / "requirements.txt"
    digest = hashlib.sha256(wheel).hexdigest()
    requirements.write_text(f"corridorkey-probe==1.0 --hash=sha256:{digest}\n")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = """
        mount -t tmpfs -o size=4m tmpfs "$1" || exit 99
        cd "$1"
        shift
        "$@"
        status=$?
        ls -A
        exit $status
    """
    command = [
        *("unshare", "--map-root-user", "--mount", "bash", "-c", script, "bash", str(disk)),
        *(sys.executable, "-IB", unpack_wheel.__file__, str(requirements), f"--kit={kit}"),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 99 or "unshare:" in result.stderr:
        pytest.skip(f"this machine allows no mounts: {result.stderr}")
    assert result.returncode == 1
    assert result.stdout == ""
    first, second = result.stderr.strip().splitlines()
    assert first.startswith(f"The disk is full: {disk} has 4 MB free. ")
    assert first.endswith(f"Unpacking {tiny_wheel.NAME} takes 8 MB.")
    assert "README.md" in second
