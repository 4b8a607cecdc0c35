"""Certificates for Bazel's downloader, which is Java and reads no PEM files."""

import subprocess
from pathlib import Path


def startup_option(bundle: Path, scratch: Path) -> str:
    """Makes Bazel trust the certificates of a PEM file, and no others.

    Args:
        bundle: The certificates.
        scratch: Folder for a copy of them in Java's format.

    Returns:
        The startup option for Bazel.
    """
    truststore = scratch / "truststore"
    as_java_wants_it = "-export -nokeys -nomac -certpbe NONE -jdktrust anyExtendedKeyUsage"
    files = ("-in", bundle, "-out", truststore, "-passout", "pass:")
    subprocess.run(["openssl", "pkcs12", *as_java_wants_it.split(), *files], check=True)
    return f"--host_jvm_args=-Djavax.net.ssl.trustStore={truststore}"
