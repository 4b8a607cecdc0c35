"""Tests the script that starts a Python program, as old and new rules_python fill it in."""

import subprocess
import sys
from pathlib import Path

import pytest

_TEMPLATE = Path("third_party/python/start.sh.tpl")

_BEFORE_1_7 = {
    "%main%": "_main/program.py",
    "%python_binary%": "python/bin/python3",
    "%imports%": "wheel/site-packages",
    "%import_all%": "False",
    "%workspace_name%": "_main",
}
# rules_python's own program finds the imports. An interpreter of the machine has no path in a venv.
_SINCE_1_7 = {
    "%stage2_bootstrap%": "_main/program.py",
    "%python_binary%": "",
    "%python_binary_actual%": "python/bin/python3",
}


@pytest.mark.parametrize(
    "filled_in, imports", [(_BEFORE_1_7, "{0}:{0}/wheel/site-packages:{0}/_main"), (_SINCE_1_7, "")]
)
def test_the_program_runs_on_the_interpreter_of_the_toolchain(
    tmp_path: Path, filled_in: dict[str, str], imports: str
) -> None:
    script = _TEMPLATE.read_text()
    for name, value in ({"%shebang%": "#!/usr/bin/env bash"} | filled_in).items():
        script = script.replace(name, value)
    start = tmp_path / "start"
    start.write_text(script)
    start.chmod(0o755)
    runfiles = tmp_path / "start.runfiles"
    program = runfiles / "_main/program.py"
    program.parent.mkdir(parents=True)
    program.write_text(
        "import os, sys\n"
        "print(sys.argv[1:], sys.flags.safe_path, os.environ.get('PYTHONPATH', ''))\n"
        "sys.exit(7)\n"
    )
    (runfiles / "python/bin").mkdir(parents=True)
    (runfiles / "python/bin/python3").symlink_to(sys.executable)

    result = subprocess.run([start, "a b"], env={}, capture_output=True, text=True, check=False)
    expected = f"['a b'] True {imports.format(runfiles)}\n"
    assert (result.returncode, result.stdout, result.stderr) == (7, expected, "")
