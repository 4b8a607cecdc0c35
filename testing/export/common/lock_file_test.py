"""One parser for every lock: it accepts what pip-compile writes for us, and nothing else."""

import pytest

from export.common import lock_file
from export.common.lock_file import Pin

A, B = 64 * "a", 64 * "b"
LOCK = f"""\
# Made with pip-compile.

sympy==1.14.0 \\
    --hash=sha256:{A}
    # via torch
Torch_Vision==0.22.1+cpu \\
    --hash=sha256:{A} \\
    --hash=sha256:{B}
    # via -r requirements.in, sympy
"""


def test_pins_have_canonical_names_every_hash_and_their_parents() -> None:
    assert lock_file.parse(LOCK) == {
        "sympy": Pin("sympy", "1.14.0", (A,), ("torch",)),
        "torch-vision": Pin("torch-vision", "0.22.1+cpu", (A, B), ("-r requirements.in", "sympy")),
    }
    assert lock_file.parse(LOCK)["torch-vision"].requirement == "torch-vision==0.22.1+cpu"


def test_a_pin_may_stand_on_one_line() -> None:
    assert lock_file.parse(f"a==1 --hash=sha256:{A} --hash=sha256:{B}") == {
        "a": Pin("a", "1", (A, B), ())
    }


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (f" \\\n    --hash=sha256:{A}\n", "\n", "sympy==1.14.0 has no hash"),
        (f"sha256:{A}", f"sha256:{A[1:]}", "is not allowed in a lock"),
        (f"sha256:{A}", f"md5:{A[:32]}", "is not allowed in a lock"),
        ("Torch_Vision", "SYMPY", "sympy is pinned twice"),
        ("sympy==1.14.0", "sympy>=1.14.0", "is not allowed in a lock"),
        ("sympy==1.14.0", "sympy @ https://a.mirror/sympy.whl", "is not allowed in a lock"),
        ("sympy==", "--index-url https://a.mirror/simple\nsympy==", "is not allowed in a lock"),
        ("sympy==", "--extra-index-url=https://a.mirror\nsympy==", "is not allowed in a lock"),
        ("sympy==", "-e .\nsympy==", "is not allowed in a lock"),
        ("sympy==1.14.0", "sympy==1.14.0 ; python_version < '3'", "is not allowed in a lock"),
        ("# Made with", "# From https://a.mirror by", "is not allowed in a lock"),
        ("sympy==", "зympy==", "is not allowed in a lock"),
    ],
)
def test_anything_else_is_refused(good: str, bad: str, message: str) -> None:
    assert good in LOCK
    with pytest.raises(ValueError, match=message):
        lock_file.parse(LOCK.replace(good, bad, 1))
