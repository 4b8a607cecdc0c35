"""A checkpoint over a bad network: each fault is one message, and the next good run needs no help.

The server is real, on loopback, and does wrong what a server or a wire can do wrong. Then it mends
its ways, and the very same command must bring the pinned bytes through the very same caches.
"""

import contextlib
import datetime
import http.server
import ipaddress
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from testing import nested_bazel
from testing.servers import java_truststore
from testing.third_party import small_checkpoint
from testing.third_party.small_checkpoint import WEIGHTS, assert_one_message

_LENGTH = len(WEIGHTS)
_RANDOM = random.Random(7)
_WRONG = "it did not come whole, or has the wrong digest; Bazel's warning above says which"

# The time in which Bazel gives up on a silent server, 20 s, becomes 1 s.
_IMPATIENT = "--http_timeout_scaling=0.05"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: "_Server"

    def do_GET(self) -> None:
        self.server.answer(self)

    def log_message(self, format: str, *args: object) -> None:
        pass


Answer = Callable[[_Handler], object]


class _Server(http.server.ThreadingHTTPServer):
    """A server that answers every request in one way.

    Attributes:
        url: Of the weights.
        answer: The way, to be changed at will.
        tls: The certificate that it shows, if it speaks TLS.
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
        """Says nothing of a client that has had enough."""


def _send(body: bytes, length: int | None = None) -> Answer:
    """Sends a page and closes, whatever length was announced."""

    def answer(handler: _Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def _status(code: int) -> Answer:
    return lambda handler: handler.send_error(code)


def _stall(start: bytes, seconds: float) -> Answer:
    """Sends the start of the file, and then nothing."""

    def answer(handler: _Handler) -> None:
        _send(start, _LENGTH)(handler)
        time.sleep(seconds)

    return answer


@dataclass
class _Lapse:
    """Takes Range, as a server of files does; falls silent so many times, 2,000 bytes on each."""

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
    """The whole file, 256 bytes at a time."""
    _send(b"", _LENGTH)(handler)
    for start in range(0, _LENGTH, 256):
        handler.wfile.write(WEIGHTS[start : start + 256])
        time.sleep(0.02)


def _babble(handler: _Handler) -> None:
    handler.wfile.write(b"220 mail.test ESMTP\r\n")


def _flip(at: int) -> bytes:
    return WEIGHTS[:at] + bytes([WEIGHTS[at] ^ 1]) + WEIGHTS[at + 1 :]


def _places(count: int) -> list[int]:
    """Places in the file: its ends, and others at random."""
    return [0, _LENGTH - 1, *_RANDOM.sample(range(1, _LENGTH - 1), count - 2)]


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: Name of the case, which is the id of its test.
        problem: What the message says of it.
        answers: Each way to commit it.
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


class Authority:
    """A certificate authority of a studio's own.

    Attributes:
        bundle: Its certificate, a PEM file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("a studio's authority")
        self.bundle = folder / "authority.pem"
        days = datetime.timedelta(days=3650)
        certificate = self._certificate(self._name, self._key, -days, days).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.bundle.write_bytes(self._signed(certificate))

    def server(self, begin: int, end: int) -> ssl.SSLContext:
        """A server's certificate for 127.0.0.1, valid from one day to another, as of today."""
        key = ec.generate_private_key(ec.SECP256R1())
        days = [datetime.timedelta(days=day) for day in (begin, end)]
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = self._certificate(_name("127.0.0.1"), key, *days).add_extension(
            x509.SubjectAlternativeName([address]), critical=False
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self._folder / f"server{begin}{end}.pem"
        path.write_bytes(private + self._signed(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certificate(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begin: datetime.timedelta,
        end: datetime.timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
        )

    def _signed(self, certificate: x509.CertificateBuilder) -> bytes:
        signed = certificate.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def bazel(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[nested_bazel.Bazel]:
    """A Bazel that trusts the authority, on a machine that does."""
    scratch = tmp_path_factory.mktemp("nested")
    trust = java_truststore.startup_option(authority.bundle, tmp_path_factory.mktemp("trust"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.bundle))
        with small_checkpoint.start(scratch, trust) as run:
            yield run


def _refused(bazel: nested_bazel.Bazel, url: str, problem: str, cache: Path) -> str:
    """Fetches what must be refused; gives what the message says."""
    status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
    assert status != 0
    assert_one_message(output, problem)
    said = re.search(r"Checkpoint @corridorkey_green: .*", output)
    assert said
    return said[0]


def _healed(bazel: nested_bazel.Bazel, url: str, cache: Path) -> None:
    status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
    assert status == 0, output


@pytest.mark.parametrize("fault", _FAULTS, ids=lambda fault: fault.name)
def test_one_message_and_the_next_run_is_good(
    fault: Fault,
    bazel: nested_bazel.Bazel,
    server: _Server,
    tmp_path: Path,
) -> None:
    for number, answer in enumerate(fault.answers):
        cache = tmp_path / str(number)
        url = f"{server.url}{number}"  # what is fetched from an address is not fetched again
        server.answer = answer
        _refused(bazel, url, fault.problem, cache)
        server.answer = _send(WEIGHTS)
        _healed(bazel, url, cache)


def test_a_lapse_is_made_good(bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path) -> None:
    for silences in (1, 2, 3):
        server.answer = _Lapse(silences)
        _healed(bazel, f"{server.url}{silences}", tmp_path / str(silences))


def test_silence_in_mid_file(bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path) -> None:
    """Bazel 7.7.1 takes its own time-out for an interruption, and nothing can say so but before."""
    silences = [_stall(WEIGHTS[:length], 4) for length in (0, 1, 9000)] + [_Lapse(4)]
    for number, answer in enumerate(silences):
        cache = tmp_path / str(number)
        url = f"{server.url}{number}"
        server.answer = answer
        status, output = small_checkpoint.fetch(bazel, url, _IMPATIENT, cache=cache)
        assert status != 0
        (announced,) = re.findall(r"Fetching @corridorkey_green from .*", output)
        (error,) = re.findall(r"(?:ERROR|FATAL): .*", output)
        assert f" from 127.0.0.1:{server.server_port}," in announced
        assert "interrupted" in error
        server.answer = _send(WEIGHTS)
        _healed(bazel, url, cache)


def test_refused(bazel: nested_bazel.Bazel, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/weights"
    _refused(bazel, url, "it cannot be reached", tmp_path / "cache")
    with _running(_Server()) as server:
        _healed(bazel, server.url, tmp_path / "cache")


def test_a_drip_is_waited_for(bazel: nested_bazel.Bazel, server: _Server, tmp_path: Path) -> None:
    server.answer = _drip
    _healed(bazel, server.url, tmp_path / "cache")


@pytest.mark.parametrize(
    ("begin", "end", "problem"),
    [
        (-60, -30, "certificate has expired"),
        (30, 60, "certificate is not yet valid"),
    ],
)
def test_a_certificate_out_of_its_time(
    begin: int,
    end: int,
    problem: str,
    bazel: nested_bazel.Bazel,
    authority: Authority,
    tmp_path: Path,
) -> None:
    with _running(_Server(authority.server(begin, end))) as server:
        cache = tmp_path / "cache"
        assert problem in _refused(bazel, server.url, "it cannot be reached", cache)
        server.tls = authority.server(-1, 30)
        _healed(bazel, server.url, cache)
