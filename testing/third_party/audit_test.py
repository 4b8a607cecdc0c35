"""Looks up advisories in a database on loopback, and in one that cannot be reached."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from third_party.python.audit import audit

_LOCK = f"""\
six==1.17.0 \\
    --hash=sha256:{64 * "a"}
    # via -r requirements.in
"""
_ADVISORY = {
    "id": "PYSEC-2026-1",
    "summary": "An advisory.",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "six"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.18.0"}]}],
        }
    ],
}


class _Database(http.server.BaseHTTPRequestHandler):
    advisories: list[object]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"vulns": self.advisories} if self.advisories else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def database() -> Iterator[list[str]]:
    """Options that name an OSV database on loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Database) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield _options(running.server_port)
        running.shutdown()


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock; the cache is empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "requirements_lock.txt"
    path.write_text(_LOCK)
    return path


def _options(port: int) -> list[str]:
    return ["--vulnerability-service=osv", f"--osv-url=http://127.0.0.1:{port}", "--timeout=5"]


@pytest.mark.parametrize(("advisories", "status"), [([], 0), ([_ADVISORY], 1)], ids=["none", "one"])
def test_advisories_are_printed(
    advisories: list[object],
    status: int,
    database: list[str],
    lock: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _Database.advisories = advisories
    assert audit(lock, database) == status
    printed = capsys.readouterr().out
    assert f"1 packages, {status} advisories" in printed
    assert ("six 1.17.0: PYSEC-2026-1, fixed in 1.18.0" in printed) == bool(status)


def test_without_an_answer_there_is_no_verdict(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Port 1 of this machine: nothing listens there.
    assert audit(lock, _options(1)) == 2
    assert "NO VERDICT" in capsys.readouterr().out
