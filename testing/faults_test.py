"""A row's counts are made by the run, reach test.xml, and FAULTS.md says what is there."""

import subprocess
import sys
from pathlib import Path

from testing import write_faults
from testing.faults import Row

_TESTS = """
import pytest
from testing import faults

def test_good(record_property):
    with faults.row(record_property, "network", "a | stall") as row:
        for _ in range(3):
            with row.attempt():
                row.saw = "gave up\\non http://127.0.0.1:4711/x, http://mirror.test/y"

def test_bad(record_property):
    with faults.row(record_property, "network", "a | stall") as row:
        with row.attempt():
            pass
        with row.attempt():
            assert False
"""


def test_from_a_run_to_the_page(tmp_path: Path) -> None:
    tests = tmp_path / "some_test.py"
    tests.write_text(_TESTS)
    results = tmp_path / "testlogs/some_test/test.xml"
    options = ["-p", "no:cacheprovider", f"--junitxml={results}", "-ojunit_family=xunit1"]
    top = Path(__file__).absolute().parent.parent
    run = subprocess.run([sys.executable, "-m", "pytest", *options, tests], cwd=top, check=False)
    assert run.returncode == 1  # test_bad; its row is there all the same
    rows = write_faults.merged(write_faults.rows(tmp_path))
    assert rows == [
        Row("network", "a | stall", 5, 4, "gave up / on http://127.0.0.1/x, http://…/y")
    ]
    page = write_faults.page(rows)
    assert "| a \\| stall | 5 | 4 | gave up / on http://127.0.0.1/x, http://…/y |" in page
    assert page.count("Not run.") == 5
