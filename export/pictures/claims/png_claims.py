"""Adds up the compressed texts of a PNG: a library expands each, however many there are."""

from typing import IO

from export.pictures.claims.claim_error import ClaimError

_MOST_PACKED_TEXT = 2**17
"""Most bytes of compressed text in a PNG. A thumbnail and metadata have less, and zlib expands by
up to 1,032."""


def check_png(file: IO[bytes]) -> None:
    """Walks the chunks of a PNG.

    Args:
        file: The file, opened for reading; untrusted.

    Raises:
        ClaimError: It has too much compressed text.
        OSError: The file cannot be read.
    """
    file.seek(8)
    packed = 0
    while len(header := file.read(8)) == 8:
        size, kind = int.from_bytes(header[:4]), header[4:]
        if kind == b"IEND":
            return
        # A keyword of up to 79 bytes, 0, and in iTXt whether the text is compressed.
        start = file.read(min(size, 81)) if kind == b"iTXt" else b""
        if kind == b"zTXt" or start.partition(b"\0")[2][:1] == b"\1":
            packed += size
        if packed > _MOST_PACKED_TEXT:
            raise ClaimError(
                f"has more than {_MOST_PACKED_TEXT >> 10} KiB of compressed text; expected a "
                "picture with little text. Save it again without metadata"
            )
        file.seek(size - len(start) + 4, 1)
