"""Checks the pages: links lead to files, the table of knobs and the commands match the code."""

import re
from pathlib import Path

import pytest

from wrapper.knobs import KNOBS, Knob

PAGES = sorted(
    path
    for room in (".", ".github", "wrapper", "export", "testing", "third_party", "tools")
    for path in Path(room).glob("**/*.md" if room != "." else "*.md")
)
README = Path("README.md").read_text()


def _row(knob: Knob) -> str:
    """Returns the line of the README's table for a knob."""
    default = knob.labels[int(knob.default)] if knob.labels else f"{knob.default:g}"
    values = ", ".join(knob.labels) or f"{knob.minimum:g} to {knob.maximum:g}"
    return f"| `{knob.name}` | {knob.kind.value} | {default} | {values} | {knob.tooltip} |"


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_readme_has_the_table_of_knobs(knob: Knob) -> None:
    assert _row(knob) in README.splitlines()


def test_readme_has_no_other_knobs() -> None:
    assert re.findall(r"^\| `(\w+)` \| \w+_Knob \|", README, re.MULTILINE) == [
        k.name for k in KNOBS
    ]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_ci_runs_the_two_commands_of_the_readme() -> None:
    commands = re.findall(r"^    (tools/bazel [a-z]+) .*?(//\S+)", README, re.MULTILINE)[:2]
    ci = Path(".ci/run").read_text()
    assert commands == [
        ("tools/bazel build", "//export:corridorkey_pt"),
        ("tools/bazel test", "//..."),
    ]
    for command, target in commands:
        assert re.search(rf"^{command} .*{re.escape(target)}$", ci, re.MULTILINE)


def test_each_fault_is_held_by_a_test() -> None:
    rows = re.findall(r"^\|.*\| ([^|]*) \|$", Path("testing/FAULTS.md").read_text(), re.MULTILINE)
    tests = {name for row in rows for name in re.findall(r"[\w/]+_test", row)}
    assert len(tests) > 10
    assert {name for name in tests if not Path("testing", f"{name}.py").exists()} == set()
