"""Refuses pictures of a few bytes that would make a library work for minutes, or take gigabytes."""

from typing import IO

from export.pictures.claims.exr_claims import check_exr
from export.pictures.claims.jpeg_claims import check_jpeg
from export.pictures.claims.png_claims import check_png
from export.pictures.claims.tiff_claims import check_tiff

_CHECKS = {
    b"v/1\x01": check_exr,
    b"\x89PNG": check_png,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), check_tiff),
    b"\xff\xd8\xff": check_jpeg,
}
"""Checks by the first bytes of a file."""


def check_claims(file: IO[bytes]) -> None:
    """Checks what a file makes the libraries expand, without expanding it.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It is too much.
        OSError: The file cannot be read.
    """
    file.seek(0)
    beginning = file.read(4)
    for first_bytes, check in _CHECKS.items():
        if beginning.startswith(first_bytes):
            check(file)
