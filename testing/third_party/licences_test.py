"""The licence of every dependency is known and allowed; another stops here until it is looked at.

None of the wheels goes into CorridorKey.pt, which holds weights and code of this repository's and
timm's; they are what it is made and tested with.
"""

import ast
import os
from pathlib import Path

import pytest

from export.release.wheels import Wheel, read_wheels

_ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "PSF-2.0", "Unlicense", "Zlib"),
    # Asks for the source of changes to its own files, of which there are none.
    "MPL-2.0",
    # Torch's wheel from the public index asks for these wheels. They may be used; no file of theirs
    # leaves the machine.
    "LicenseRef-NVIDIA-Proprietary",
}
_ALLOWED_ON_LOOPBACK = {
    # The driver of a database that tests start and talk to.
    "LGPL-3.0-or-later",
}

_IN_OTHER_WORDS = {
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
_LOOKED_AT = {
    # Their own words name none of the BSD licences, or none at all; the files in the wheels do.
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "PSF-2.0",  # with its own name in place of the foundation's
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
_WHEELS, _ = read_wheels(
    Path(os.environ["LISTING"]), Path(f"third_party/python/requirements{_HUB}_lock.txt")
)


def _is_allowed(wheel: Wheel) -> bool:
    """Whether one of the alternatives asks for nothing that is not allowed."""
    words = _LOOKED_AT.get(wheel.name, wheel.license)
    expression = _IN_OTHER_WORDS.get(words, words)
    allowed = _ALLOWED | (_ALLOWED_ON_LOOPBACK if _HUB == "_buildgrid" else set())
    return any(set(way.split(" AND ")) <= allowed for way in expression.split(" OR "))


def test_every_wheel_is_allowed() -> None:
    for wheel in _WHEELS:
        assert _is_allowed(wheel), f"{wheel.name}: {wheel.license}"


def test_every_wheel_of_the_lock_is_looked_at() -> None:
    """But for those that another system than this one needs."""
    lock = Path(f"third_party/python/requirements{_HUB}_lock.txt").read_text()
    pinned = {line.partition("==")[0] for line in lock.splitlines() if "==" in line}
    assert {wheel.name for wheel in _WHEELS} == pinned


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
    "licence", ["GPL-3.0-only", "MIT AND GPL-2.0-only", "BSD", "", "LicenseRef-Somebody", "(MIT)"]
)
def test_another_licence_is_refused(licence: str) -> None:
    assert not _is_allowed(Wheel("new", "1", (), licence, ()))
