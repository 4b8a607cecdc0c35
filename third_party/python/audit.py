"""Looks up published advisories: `tools/bazel run //third_party/python:audit [-- OPTIONS]`.

Queries the database of Python's package index for each lock or, with pip-audit's option
`--vulnerability-service=osv`, the OSV database. Exit status: 0 if there are no advisories, 1 if
there are, 2 if the database cannot be reached.
"""

import json
import subprocess
import sys
from pathlib import Path

from export.common.child_environment import child_environment
from export.common.printable import printable

_PIP_AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"),
    # A lock is complete and hashed, so nothing needs to be resolved or installed.
    *("--no-deps", "--disable-pip"),
)


def audit(lock: Path, options: list[str]) -> int:
    """Prints the advisories on the packages of a lock.

    Args:
        lock: Path of the lock.
        options: Further options for pip-audit.

    Returns:
        The exit status, as above.
    """
    command = [*_PIP_AUDIT, f"--requirement={lock}", *options]
    result = subprocess.run(
        command, env=child_environment(), capture_output=True, text=True, check=False
    )
    try:
        pins = json.loads(result.stdout)["dependencies"]
    except ValueError:
        reason = (result.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"{lock.name}: NO VERDICT, the database cannot be reached: {printable(reason)}")
        return 2
    advisories = [(pin, advisory) for pin in pins for advisory in pin.get("vulns", [])]
    for pin, advisory in advisories:
        fixed = ", ".join(advisory["fix_versions"]) or "no version yet"
        found = f"{pin['name']} {pin['version']}: {advisory['id']}, fixed in {fixed}"
        print(f"{lock.name}: {printable(found)}")
    skipped = [pin["name"] for pin in pins if "skip_reason" in pin]
    for name in skipped:
        print(f"{lock.name}: NO VERDICT on {printable(name)}, which is not in the database")
    print(f"{lock.name}: {len(pins)} packages, {len(advisories)} advisories")
    return 1 if advisories else 2 if skipped else 0


if __name__ == "__main__":
    locks = sorted(Path(__file__).parent.glob("*_lock.txt"))
    statuses = [audit(lock, sys.argv[1:]) for lock in locks]
    sys.exit(1 if 1 in statuses else max(statuses))
