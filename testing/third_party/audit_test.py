"""Looks up advisories in a database on loopback, and in one that cannot be reached."""

import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

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


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock; the cache is empty."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "requirements_lock.txt"
    path.write_text(_LOCK)
    return path


def _options(url: str) -> list[str]:
    """Returns options that name an OSV database."""
    return ["--vulnerability-service=osv", f"--osv-url={url}", "--timeout=5"]


@pytest.mark.parametrize(("advisories", "status"), [([], 0), ([_ADVISORY], 1)], ids=["none", "one"])
def test_advisories_are_printed(
    advisories: list[object],
    status: int,
    httpserver: HTTPServer,
    lock: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = {"vulns": advisories} if advisories else {}
    httpserver.expect_request("/", method="POST").respond_with_json(answer)
    assert audit(lock, _options(httpserver.url_for(""))) == status
    printed = capsys.readouterr().out
    assert f"1 packages, {status} advisories" in printed
    assert ("six 1.17.0: PYSEC-2026-1, fixed in 1.18.0" in printed) == bool(status)


def test_text_of_the_database_is_printed_escaped(
    httpserver: HTTPServer, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"vulns": [_ADVISORY | {"id": "PYSEC-2026-\x1b]0;title\x07"}]}
    httpserver.expect_request("/", method="POST").respond_with_json(answer)
    assert audit(lock, _options(httpserver.url_for(""))) == 1
    printed = capsys.readouterr().out
    assert r"six 1.17.0: PYSEC-2026-\x1b]0;title\x07, fixed in 1.18.0" in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize(
    ("program", "status", "expected"),
    [
        ("import sys; sys.exit('HTTP error \\x1b[31m')", 2, r"reached: HTTP error \x1b[31m"),
        (
            """print(r'{"dependencies": [{"name": "six\\u001b[31m", "skip_reason": "x"}]}')""",
            2,
            r"NO VERDICT on six\x1b[31m,",
        ),
    ],
    ids=["reason", "name"],
)
def test_text_of_pip_audit_is_printed_escaped(
    program: str,
    status: int,
    expected: str,
    lock: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("third_party.python.audit._PIP_AUDIT", (sys.executable, "-c", program))
    assert audit(lock, []) == status
    printed = capsys.readouterr().out
    assert expected in printed
    assert "\x1b" not in printed


def test_without_an_answer_there_is_no_verdict(
    lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Port 1 of this machine: nothing listens there.
    assert audit(lock, _options("http://127.0.0.1:1")) == 2
    assert "NO VERDICT" in capsys.readouterr().out
