"""Looks up published advisories: `tools/bazel run //third_party/python:audit [-- OPTIONS]`.

Each lock is held against the database of Python's package index, or, with pip-audit's option
`--vulnerability-service=osv`, of OSV. Exit status: 0 where nothing is known, 1 where something is,
2 where the database could not be asked, which is no verdict.
"""

import json
import subprocess
import sys
from pathlib import Path

_PIP_AUDIT = (
    *(sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"),
    # A lock is whole and hashed: nothing is resolved, and nothing is installed.
    *("--no-deps", "--disable-pip"),
)


def audit(lock: Path, options: list[str]) -> int:
    """Prints what is known of a lock's pins.

    Args:
        lock: The lock.
        options: Further options for pip-audit.

    Returns:
        The exit status, as above.
    """
    command = [*_PIP_AUDIT, f"--requirement={lock}", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        pins = json.loads(result.stdout)["dependencies"]
    except ValueError:
        reason = (result.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"{lock.name}: NO VERDICT, the advisories cannot be reached: {reason}")
        return 2
    known = [(pin, hole) for pin in pins for hole in pin.get("vulns", [])]
    for pin, hole in known:
        fixed = ", ".join(hole["fix_versions"]) or "no version yet"
        print(f"{lock.name}: {pin['name']} {pin['version']}: {hole['id']}, fixed in {fixed}")
    skipped = [pin["name"] for pin in pins if "skip_reason" in pin]
    for name in skipped:
        print(f"{lock.name}: NO VERDICT on {name}, which the database does not have")
    print(f"{lock.name}: {len(pins)} packages, {len(known)} advisories")
    return 1 if known else 2 if skipped else 0


if __name__ == "__main__":
    here = Path(__file__).parent
    statuses = [audit(lock, sys.argv[1:]) for lock in sorted(here.glob("*_lock.txt"))]
    sys.exit(1 if 1 in statuses else max(statuses))
