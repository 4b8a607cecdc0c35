"""Issues certificates for servers on 127.0.0.1."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority, as a studio has one.

    Attributes:
        bundle: Path of its certificate, a PEM file.
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
        self.bundle.write_bytes(self._sign(certificate))

    def server(self, begin: int = -1, end: int = 30) -> ssl.SSLContext:
        """Returns the TLS settings of a server on 127.0.0.1.

        Args:
            begin: First day of the certificate, counted from today.
            end: Last day of the certificate, counted from today.
        """
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
        path.write_bytes(private + self._sign(certificate))
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

    def _sign(self, certificate: x509.CertificateBuilder) -> bytes:
        """Returns the signed certificate, in PEM."""
        signed = certificate.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
