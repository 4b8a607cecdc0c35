"""Writes where the sources of a release were in version control, from Bazel's workspace status.

usage: write_version_control.py STABLE-STATUS.TXT TAR OUTPUT
"""

import sys
from pathlib import Path
from typing import Any

from export.common.atomic import replacing
from export.common.digests import digest
from export.common.json_text import to_json


def version_control(status: str, tar: Path) -> dict[str, Any]:
    """Returns the content of a release's .vcs.json.

    Args:
        status: Output of tools/workspace_status: lines of a key and its value.
        tar: Tar of the release that was made from these sources.

    Returns:
        Digest of the tar; commit, branch and remote, null where there is none; and whether changes
        were uncommitted. Outside of git, all of them but the digest are null.
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
    with replacing(output) as partial:
        partial.write_text(to_json(version_control(status.read_text(), tar)))
