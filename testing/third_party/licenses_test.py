"""Checks that the license of every dependency is known and allowed.

No wheel becomes part of CorridorKey.pt, which contains the weights and code of this repository and
of timm. The wheels build and test it.
"""

import ast
import os
from pathlib import Path

import pytest

from export.common import lock_file
from export.release.wheels import Wheel, read_wheels

_ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
    # Requires publishing changes to its own files. There are none.
    "MPL-2.0",
    # torch requires these wheels. They may be used, and nothing here distributes a file of them.
    "LicenseRef-NVIDIA-Proprietary",
}
_ALLOWED_ON_LOOPBACK = {
    # The driver of the database that the tests of remote execution start.
    "LGPL-3.0-or-later",
}

_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "LGPL with exceptions": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "PSFL": "PSF-2.0",
    "NVIDIA Proprietary Software": "LicenseRef-NVIDIA-Proprietary",
}
_READ = {
    # The metadata names no license or an ambiguous one; these are from the files in the wheels.
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "PSF-2.0",  # with another licensor's name
    "mpmath": "BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "sympy": "BSD-3-Clause",
    "torchvision": "BSD-3-Clause",
}
_MODULES = {
    "platforms": "Apache-2.0",
    "rules_license": "Apache-2.0",
    "rules_pkg": "Apache-2.0",
    "rules_python": "Apache-2.0",
    "rules_shell": "Apache-2.0",
}

_HUB = os.environ["HUB"]
_LOCK = Path(f"third_party/python/requirements{_HUB}_lock.txt")
_WHEELS, _ = read_wheels(Path(os.environ["LISTING"]), _LOCK, Path(".."))


def _is_allowed(wheel: Wheel) -> bool:
    """Returns whether one of the alternatives consists of allowed licenses."""
    stated = _READ.get(wheel.name, wheel.license)
    expression = _SPDX.get(stated, stated)
    allowed = _ALLOWED | (_ALLOWED_ON_LOOPBACK if _HUB == "_buildgrid" else set())
    return any(set(choice.split(" AND ")) <= allowed for choice in expression.split(" OR "))


def test_every_wheel_is_allowed() -> None:
    for wheel in _WHEELS:
        assert _is_allowed(wheel), f"{wheel.name}: {wheel.license}"


def test_every_wheel_of_the_lock_is_listed() -> None:
    assert {wheel.name for wheel in _WHEELS} == lock_file.parse(_LOCK.read_text()).keys()


def test_every_bazel_module_is_allowed() -> None:
    names = [
        keyword.value.value
        for call in ast.walk(ast.parse(Path("MODULE.bazel").read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "bazel_dep"
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    ]
    assert sorted(map(str, names)) == sorted(_MODULES)
    assert set(_MODULES.values()) <= _ALLOWED


@pytest.mark.parametrize(
    "license_", ["GPL-3.0-only", "MIT AND GPL-2.0-only", "BSD", "", "LicenseRef-Somebody", "(MIT)"]
)
def test_another_license_is_refused(license_: str) -> None:
    assert not _is_allowed(Wheel("new", "1", (), license_, ()))
