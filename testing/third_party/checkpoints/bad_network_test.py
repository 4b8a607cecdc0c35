"""Fetches a checkpoint over a bad network: each fault gives one message, and the next run succeeds.

The server is a real one on loopback. It makes one mistake that a server or a network can make. Then
it works, and the same command must fetch the pinned bytes through the same caches.
"""

import contextlib
import datetime
import http.server
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from testing import nested_bazel
from testing.servers import java_truststore
from testing.third_party.checkpoints import small_checkpoint
from testing.third_party.checkpoints.small_checkpoint import WEIGHTS, assert_one_message

_LENGTH = len(WEIGHTS)
_RANDOM = random.Random(7)
_WRONG = "it is incomplete or has the wrong digest; Bazel's warning above says which"

# Bazel gives up on a silent server after 1 s instead of 20 s.
_IMPATIENT = "--http_timeout_scaling=0.05"


class _Handler(http.server.BaseHTTPRequestHandler):
    # pytest-httpserver cannot take its place: it sends whole, well-formed answers only.
    server: "_Server"

    def do_GET(self) -> None:
        self.server.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


Answer = Callable[[_Handler], object]


class _Server(http.server.ThreadingHTTPServer):
    """A server that answers every request in the same way.

    Attributes:
        url: URL of the weights.
        answer: Function that answers a request. A test may change it.
        tls: TLS settings, or None for plain HTTP.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server_port}/weights"
        self.answer: Answer = _send(WEIGHTS)
        self.tls = tls

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Prints nothing if a client closes the connection."""


def _send(body: bytes, length: int | None = None) -> Answer:
    """Returns an answer that sends `body` and closes, with `length` in the header."""

    def answer(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def _status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def _stall(start: bytes, seconds: float) -> Answer:
    """Returns an answer that sends the start of the file, and then nothing."""

    def answer(handler: _Handler) -> None:
        _send(start, _LENGTH)(handler)
        time.sleep(seconds)

    return answer


@dataclass
class _Lapse:
    """Answers with Range support, and falls silent `silences` times, each after 2,000 bytes."""

    silences: int

    def __call__(self, handler: _Handler) -> None:
        begin = int((handler.headers["Range"] or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if begin else 200)
        handler.send_header("Accept-Ranges", "bytes")
        handler.send_header("Content-Range", f"bytes {begin}-{_LENGTH - 1}/{_LENGTH}")
        handler.send_header("Content-Length", str(_LENGTH - begin))
        handler.end_headers()
        self.silences -= 1
        if self.silences < 0:
            handler.wfile.write(WEIGHTS[begin:])
        else:
            handler.wfile.write(WEIGHTS[begin : begin + 2000])
            time.sleep(4)


def _drip(handler: _Handler) -> None:
    """Sends the whole file, 256 bytes at a time."""
    _send(b"", _LENGTH)(handler)
    for start in range(0, _LENGTH, 256):
        handler.wfile.write(WEIGHTS[start : start + 256])
        time.sleep(0.02)


def _babble(handler: _Handler) -> None:
    handler.wfile.write(b"220 mail.test ESMTP\r\n")


def _flip(at: int) -> bytes:
    return WEIGHTS[:at] + bytes([WEIGHTS[at] ^ 1]) + WEIGHTS[at + 1 :]


def _places(count: int) -> list[int]:
    """Returns positions in the file: its ends, and random ones."""
    return [0, _LENGTH - 1, *_RANDOM.sample(range(1, _LENGTH - 1), count - 2)]


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: Name of the test case.
        problem: Part of the expected message.
        answers: Ways to make this mistake.
    """

    name: str
    problem: str
    answers: list[Answer]


_FAULTS = [
    *(
        Fault(f"the server answers {code}", f"the server answers {code} {reason}", [_status(code)])
        for code, reason in (
            (401, "Unauthorized"),
            (403, "Forbidden"),
            (404, "Not Found"),
            (500, "Internal Server Error"),
            (503, "Service Unavailable"),
        )
    ),
    Fault("silence, and no answer", "it cannot be reached (timed out)", [lambda _: time.sleep(15)]),
    Fault(
        "the connection is cut in mid-file",
        _WRONG,
        [_send(WEIGHTS[:at], _LENGTH) for at in _places(6) if at],
    ),
    Fault(
        "the length is wrong: cut short, longer than announced, longer altogether",
        _WRONG,
        [
            _send(WEIGHTS[:-1]),
            _send(WEIGHTS, _LENGTH - 1),
            _send(WEIGHTS, _LENGTH + 1),
            _send(WEIGHTS + b"\0"),
        ],
    ),
    Fault("a bit is wrong", _WRONG, [_send(_flip(at)) for at in _places(6)]),
    Fault("an empty file", "it is an empty file", [_send(b"")]),
    Fault(
        "a login page",
        "it is a web page (HTML), not weights",
        [_send(b"<!DOCTYPE html><html>Please sign in</html>"), _send(b"\n<HTML><body>")],
    ),
    Fault(
        "a Git LFS pointer",
        "it is a Git LFS pointer, not weights",
        [_send(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")],
    ),
    Fault("a server that does not speak HTTP", "it cannot be reached", [_babble]),
]


def _tls(authority: trustme.CA, begin: int, end: int) -> ssl.SSLContext:
    """Returns the TLS settings of a server on 127.0.0.1.

    Args:
        authority: Issues the server's certificate.
        begin: First day of the certificate, counted from today.
        end: Last day of the certificate, counted from today.
    """
    now = datetime.datetime.now(datetime.UTC)
    first, last = (now + datetime.timedelta(days=day) for day in (begin, end))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = authority.issue_cert("127.0.0.1", not_before=first, not_after=last)
    certificate.configure_cert(context)
    return context


@contextlib.contextmanager
def _running(server: _Server) -> Iterator[_Server]:
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server() -> Iterator[_Server]:
    with _running(_Server()) as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def bazel(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    """A Bazel that trusts the authority, on a machine that trusts it too."""
    scratch = tmp_path_factory.mktemp("nested")
    folder = tmp_path_factory.mktemp("trust")
    bundle = folder / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    trust = java_truststore.startup_option(bundle, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(bundle))
        with small_checkpoint.start(scratch, trust) as run:
            yield run


def _refused(bazel: nested_bazel.Bazel, url: str, problem: str, cache: Path) -> str:
    """Fetches what Bazel must refuse, and returns the message."""
    status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
    assert status != 0
    assert_one_message(output, problem)
    message = re.search(r"Checkpoint @corridorkey_green: .*", output)
    assert message
    return message[0]


def _assert_fetched(bazel: nested_bazel.Bazel, url: str, cache: Path) -> None:
    status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
    assert status == 0, output


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name)
def test_one_message_and_the_next_run_succeeds(
    fault: Fault,
    bazel: nested_bazel.Bazel,
    server: _Server,
    tmp_path: Path,
) -> None:
    for number, answer in enumerate(fault.answers):
        cache = tmp_path / str(number)
        url = f"{server.url}{number}"  # Bazel does not fetch the same address twice.
        server.answer = answer
        _refused(bazel, url, fault.problem, cache)
        server.answer = _send(WEIGHTS)
        _assert_fetched(bazel, url, cache)


def test_bazel_resumes_after_a_silence(
    bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path
) -> None:
    for silences in (1, 2, 3):
        server.answer = _Lapse(silences)
        _assert_fetched(bazel, f"{server.url}{silences}", tmp_path / str(silences))


def test_silence_in_mid_file(bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path) -> None:
    """Bazel 7.7.1 reports a time-out as an interruption, so the advice is printed beforehand."""
    silences = [_stall(WEIGHTS[:length], 4) for length in (0, 1, 9000)] + [_Lapse(4)]
    for number, answer in enumerate(silences):
        cache = tmp_path / str(number)
        url = f"{server.url}{number}"
        server.answer = answer
        status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
        assert status != 0
        (advice,) = re.findall(r"Fetching @corridorkey_green from .*", output)
        (error,) = re.findall(r"(?:ERROR|FATAL): .*", output)
        assert f" from 127.0.0.1:{server.server_port}," in advice
        assert "interrupted" in error
        server.answer = _send(WEIGHTS)
        _assert_fetched(bazel, url, cache)


def test_a_closed_port(bazel: nested_bazel.Bazel, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/weights"
    _refused(bazel, url, "it cannot be reached", tmp_path / "cache")
    with _running(_Server()) as server:
        _assert_fetched(bazel, server.url, tmp_path / "cache")


def test_bazel_waits_for_a_slow_server(
    bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path
) -> None:
    server.answer = _drip
    _assert_fetched(bazel, server.url, tmp_path / "cache")


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        (-60, -30, "certificate has expired"),
        (30, 60, "certificate is not yet valid"),
    ],
)
def test_a_certificate_that_is_not_valid_today(
    begin: int,
    end: int,
    problem: str,
    bazel: nested_bazel.Bazel,
    authority: trustme.CA,
    tmp_path: Path,
) -> None:
    with _running(_Server(_tls(authority, begin, end))) as server:
        cache = tmp_path / "cache"
        assert problem in _refused(bazel, server.url, "it cannot be reached", cache)
        server.tls = _tls(authority, -1, 30)
        _assert_fetched(bazel, server.url, cache)
