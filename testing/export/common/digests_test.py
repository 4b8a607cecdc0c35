import hashlib
import os
from pathlib import Path

import pytest

from export.common.digests import digest, sha256


def test_digest_and_size_of_a_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9999
    path = tmp_path / "file"
    path.write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert sha256(path) == expected
    assert digest(path) == {"sha256": expected, "bytes": len(content)}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "\x1b[2J")
    with pytest.raises(
        OSError, match=r"/\\x1b\[2J is a folder, a pipe or a device; expected a reg"
    ):
        digest(tmp_path / "\x1b[2J")
