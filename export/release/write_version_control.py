"""Bazel's workspace status → where the sources of a release were in version control.

usage: write_version_control.py STABLE-STATUS.TXT TAR OUTPUT
"""

import sys
from pathlib import Path
from typing import Any

from export.common.digests import digest
from export.common.json_text import to_json


def version_control(status: str, tar: Path) -> dict[str, Any]:
    """Reads what tools/workspace_status wrote.

    Args:
        status: Lines of a key and its value.
        tar: The release that was made from these sources.

    Returns:
        Commit, branch and remote are null where there are none, and all of it outside of git.
    """
    values = dict(line.partition(" ")[::2] for line in status.splitlines())
    return {
        "release": {"file": tar.name, **digest(tar)},
        "commit": values.get("STABLE_GIT_COMMIT"),
        "dirty": {"true": True, "false": False}.get(values.get("STABLE_GIT_DIRTY", "")),
        "branch": values.get("STABLE_GIT_BRANCH"),
        "remote": values.get("STABLE_GIT_REMOTE"),
    }


if __name__ == "__main__":
    status, tar, output = map(Path, sys.argv[1:])
    output.write_text(to_json(version_control(status.read_text(), tar)))
