"""Tests what unpack_wheel.py removes from an unpacked wheel and reads from its metadata."""

from pathlib import Path

import pytest

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
