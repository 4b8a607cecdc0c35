"""Writes testing/FAULTS.md from the rows that the last run of each test left in its test.xml.

usage: tools/bazel run //testing:write_faults

The rows are of whatever was run in this checkout since `bazel clean`; testing/faults.py says how
they come about.
"""

import json
import os
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path

from testing.faults import PROPERTY, ROOMS, Row

_INTRODUCTION = """\
# What was done to it, and what came of it

Written by `tools/bazel run //testing:write_faults` from the results of real runs; not by hand. A
fault is survived when what comes out is right, or when there is a message, a non-zero exit status
and nothing left in the way of the next run. The cheap ones are in `tools/bazel test //...`; all of
them in `tools/bazel test //testing:faults`, where `--test_env=FAULTS_DEPTH=10` has the fuzzers try
ten times as much. What did not survive at first is in [MENDED.md](MENDED.md).
"""


def rows(results: Path) -> Iterator[Row]:
    """Every row in the test.xml files below a folder, in the order of their paths."""
    for path in sorted(results.rglob("test.xml")):
        for element in ET.parse(path).iter("property"):
            if element.get("name") == PROPERTY:
                yield Row(**json.loads(element.get("value", "")))


def merged(rows: Iterable[Row]) -> list[Row]:
    """One row for each fault, with the counts of all of its name, in the order first met."""
    faults: dict[tuple[str, str], Row] = {}
    for row in rows:
        known = faults.setdefault((row.room, row.fault), Row(row.room, row.fault))
        known.tried += row.tried
        known.survived += row.survived
        known.saw = known.saw or row.saw
    return list(faults.values())


def page(rows: list[Row]) -> str:
    """The text of FAULTS.md."""
    parts = [_INTRODUCTION]
    for room, title in ROOMS.items():
        parts.append(f"\n## {title}\n\n")
        lines = [
            f"| {_cell(row.fault)} | {row.tried} | {row.survived} | {_cell(row.saw)} |\n"
            for row in rows
            if row.room == room
        ]
        header = ["| fault | tried | survived | what the user saw |\n", "|---|---:|---:|---|\n"]
        parts += header + lines if lines else ["Not run.\n"]
    return "".join(parts)


def _cell(text: str) -> str:
    for special in "\\|<*_`":
        text = text.replace(special, "\\" + special)
    return text


def main() -> int:
    """Returns the exit status."""
    workspace = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"])
    found = merged(rows(workspace / "bazel-testlogs"))
    if not found:
        print("no test left a row: run tools/bazel test //testing:faults first", file=sys.stderr)
        return 1
    output = workspace / "testing/FAULTS.md"
    output.write_text(page(found))
    print(f"{output}: {len(found)} faults, tried {sum(row.tried for row in found)} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
