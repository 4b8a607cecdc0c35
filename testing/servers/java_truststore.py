"""Converts certificates for Bazel's downloader, which is written in Java and reads no PEM files."""

import subprocess
from pathlib import Path


def startup_option(bundle: Path, scratch: Path) -> str:
    """Makes Bazel trust the certificates of a PEM file, and no others.

    Args:
        bundle: PEM file of certificates.
        scratch: Folder for the copy in Java's format.

    Returns:
        The startup option for Bazel.
    """
    truststore = scratch / "truststore"
    options = "-export -nokeys -nomac -certpbe NONE -jdktrust anyExtendedKeyUsage"
    files = ("-in", bundle, "-out", truststore, "-passout", "pass:")
    subprocess.run(["openssl", "pkcs12", *options.split(), *files], check=True)
    return f"--host_jvm_args=-Djavax.net.ssl.trustStore={truststore}"
