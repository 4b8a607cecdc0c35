import hashlib
from pathlib import Path

from export.common.digests import digest, sha256


def test_digest_and_size_of_a_file(tmp_path: Path) -> None:
    content = bytes(range(256)) * 9999
    path = tmp_path / "file"
    path.write_bytes(content)
    expected = hashlib.sha256(content).hexdigest()
    assert sha256(path) == expected
    assert digest(path) == {"sha256": expected, "bytes": len(content)}
