"""Checks that each lock fits its .in file, and that a lock that does not is refused."""

from pathlib import Path

import pytest

from export.common import lock_file
from testing.third_party import lock_problems

_PYTHON = Path("third_party/python")
_HUBS = (
    "requirements",
    "requirements_buildgrid",
    "requirements_torch_1_13_1",
    "requirements_torch_2_1_1",
)

_GOOD_IN = """\
# Why.
torch==2.7.1  # exact
Typing_Extensions>=4
"""
_GOOD_LOCK = f"""\
sympy==1.14.0 \\
    --hash=sha256:{64 * "a"}
    # via torch
torch==2.7.1 \\
    --hash=sha256:{64 * "b"} \\
    --hash=sha256:{64 * "c"}
    # via -r requirements.in
typing-extensions==4.16.0 \\
    --hash=sha256:{64 * "d"}
    # via -r requirements.in, torch

# The following packages are considered to be unsafe in a requirements file:
setuptools==84.2.1 \\
    --hash=sha256:{64 * "e"}
    # via torch
"""


def _texts(hub: str) -> tuple[str, str]:
    """Returns the texts of a hub's .in file and lock."""
    return (_PYTHON / f"{hub}.in").read_text(), (_PYTHON / f"{hub}_lock.txt").read_text()


def test_every_lock_is_tested() -> None:
    assert sorted(path.stem for path in _PYTHON.glob("*.in")) == sorted(_HUBS)


@pytest.mark.parametrize("hub", _HUBS)
def test_the_lock_fits_its_requirements(hub: str) -> None:
    assert list(lock_problems.problems(*_texts(hub), origin=f"-r {hub}.in")) == []


@pytest.mark.parametrize(
    ("hub", "name", "version"),
    [
        ("requirements", "torch", "2.7.1"),  # the libtorch of Nuke 17
        ("requirements", "torchvision", "0.22.1"),  # torch 2.7.1's
        ("requirements", "timm", "1.0.31"),  # its modules are inside the artifact
        ("requirements_torch_1_13_1", "torch", "1.13.1"),  # nearest to the 1.12.1 of Nuke 14
        ("requirements_torch_2_1_1", "torch", "2.1.1"),  # the libtorch of Nuke 15.1 to 16.0
    ],
)
def test_the_versions_that_decide_the_bytes_are_exact(hub: str, name: str, version: str) -> None:
    requirements, lock = _texts(hub)
    assert str(lock_problems.read_requirements(requirements)[name].specifier) == f"=={version}"
    assert lock_file.parse(lock)[name].version == version


def test_a_good_lock_has_no_problems() -> None:
    assert list(lock_problems.problems(_GOOD_IN, _GOOD_LOCK)) == []


@pytest.mark.parametrize(
    ("good", "broken", "problem"),
    [
        ("torch==2.7.1 \\", "torch==2.7.0 \\", "torch==2.7.1: the lock has 2.7.0"),
        ("typing-extensions==", "typing-inspection==", "Typing_Extensions>=4: not in the lock"),
        (f" \\\n    --hash=sha256:{64 * 'a'}", "", "sympy==1.14.0 has no hash"),
        (f"sha256:{64 * 'a'}", f"sha256:{63 * 'a'}", "is not allowed in a lock"),
        (f"sha256:{64 * 'a'}", f"md5:{32 * 'a'}", "is not allowed in a lock"),
        ("    # via torch\ntorch", "torch", "sympy: nothing that the .in file names needs it"),
        ("via torch\ntorch", "via sympy\ntorch", "sympy: nothing that the .in file names needs"),
        ("via torch\ntorch", "via mpmath\ntorch", "sympy: required by mpmath, which is not in"),
        ("via torch\ntorch", "via -r requirements.in, torch\ntorch", "sympy: the lock and the .in"),
        ("via -r requirements.in\n", "via sympy\n", "torch: the lock and the .in file disagree"),
        ("setuptools==", "sympy==", "sympy is pinned twice"),
        ("sympy==1.14.0 \\", "sympy>=1.14.0 \\", "is not allowed in a lock"),
        ("sympy==1.14.0 \\", "sympy @ https://a.mirror/sympy.whl \\", "is not allowed in a lock"),
        ("sympy==1", "--index-url https://a.mirror/simple\nsympy==1", "is not allowed in a lock"),
        ("sympy==1", "--trusted-host a.mirror\nsympy==1", "is not allowed in a lock"),
        ("# The following", "# From https://a.mirror", "is not allowed in a lock"),
    ],
)
def test_a_broken_lock_is_refused(good: str, broken: str, problem: str) -> None:
    assert good in _GOOD_LOCK
    found = list(lock_problems.problems(_GOOD_IN, _GOOD_LOCK.replace(good, broken, 1)))
    assert any(problem in line for line in found), found
