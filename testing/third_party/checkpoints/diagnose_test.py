"""Diagnoses servers that answer with text for a terminal: none of it is in the description."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from third_party.checkpoints.diagnose import diagnose

_ADDRESSES = "expected a file, http or https address, and one that redirects to no other"
_TITLE = b"\x1b]0;title\x07"


@contextmanager
def _answering(*answers: bytes) -> Iterator[int]:
    """Runs a server on loopback for one connection, and yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                for part in answers:
                    connection.sendall(part)
                connection.recv(4096)  # Closed with unread bytes, TCP would drop the answer.

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 404 " + _TITLE + b"\r\n\r\n", "the server answers 404 Not Found"),
        (_TITLE + b"\r\n", "it cannot be reached (the server does not speak HTTP)"),
        (
            b"HTTP/1.1 302 x\r\nLocation: ftp://127.0.0.1:{port}/x\r\n\r\n",
            f"it cannot be reached ({_ADDRESSES})",
        ),
        (b"HTTP/1.1 302 x\r\nLocation: file:///etc/passwd\r\n\r\n", "the server answers 302 Found"),
        (
            b"HTTP/1.1 302 x\r\nLocation: http://[" + _TITLE + b"/\r\n\r\n",
            "it cannot be reached (the address, or one that it redirects to, is malformed)",
        ),
    ],
    ids=["a reason", "no HTTP", "to FTP", "to a file", "to no address"],
)
def test_the_text_of_a_server_is_not_printed(
    answer: bytes, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _answering(b"220 x\r\n", b"530 " + _TITLE + b"\r\n") as ftp:
        reply = answer.replace(b"{port}", str(ftp).encode())
        with _answering(reply) as port:
            assert diagnose(f"http://127.0.0.1:{port}/weights") == expected


def test_the_text_of_this_machine_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    # Port 1 of this machine: nothing listens there.
    assert diagnose("http://127.0.0.1:1/x") == "it cannot be reached (Connection refused)"
    missing = f"file://{tmp_path}/missing"
    assert diagnose(missing) == "it cannot be reached (No such file or directory)"
