"""Compares an untrusted .pt with the generated file, byte by byte, in one pass.

    generated   ┌header┬crc┬name┬───numbers───┐┌header┬crc┬name┬code┐ ... ┌directory, each crc┐
                │      │   │    │ 1 1 1 1 1 1 ││      │   │    │    │     │                   │
    untrusted   └──────┴───┴────┴─────────────┘└──────┴───┴────┴────┘     └───────────────────┘
                 equal   of  equal  finite,       equal throughout         equal, crc as above
                        these       digested

Only the numbers of the weights may differ, and with them their CRC-32, which must be right wherever
it stands. Names, order, headers, padding, code, pickles, constants and the directory are equal to
the last byte; so the dtypes, shapes and sizes of the weights are as well, and no two records can
overlap, hide or repeat. Nothing of the untrusted file is parsed.
"""

import dataclasses
import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

import numpy as np

from export.verify.generated import Generated
from export.verify.weights.tensors import NUMPY_DTYPES, TensorForm, digest_of_all

_CHUNK = 1 << 20
_LOCAL_BYTES, _LOCAL_CRC = 30, 14
_CENTRAL_BYTES, _CENTRAL_CRC = 46, 16


class DifferenceError(ValueError):
    """A file differs from what the exporter writes; the message names the record."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Digests of a file that passed.

    Attributes:
        sha256: SHA-256 of the whole file.
        size: Its size, in bytes.
        weights_sha256: `digest_of_all` of its weights.
    """

    sha256: str
    size: int
    weights_sha256: str


@dataclasses.dataclass(frozen=True)
class _Span:
    """A part of the file that may differ from the generated one.

    Attributes:
        start: Its offset, in bytes.
        size: Its length, in bytes.
        record: Record that it belongs to.
        kind: What it holds.
    """

    start: int
    size: int
    record: str
    kind: str


class _Reader:
    """Reads an untrusted file from start to end, digests it and copies it where asked."""

    def __init__(self, file: IO[bytes], copy: IO[bytes] | None) -> None:
        self._file = file
        self._copy = copy
        self.sha256 = hashlib.sha256()

    def chunks(self, size: int) -> Iterator[bytes]:
        """Yields exactly `size` bytes, in chunks of 1 MiB, or fewer where the file ends.

        Chunks begin at multiples of 1 MiB. So a number is never divided between two of them.
        """
        for start in range(0, size, _CHUNK):
            wanted = min(size - start, _CHUNK)
            chunk = self._file.read(wanted)
            self.sha256.update(chunk)
            if self._copy:
                self._copy.write(chunk)
            yield chunk
            if len(chunk) < wanted:  # The end, even of a file that grows again meanwhile.
                return

    def exactly(self, size: int) -> bytes:
        """Returns the next bytes, fewer where the file ends."""
        return b"".join(self.chunks(size))


def compare(file: IO[bytes], generated: Generated, copy: IO[bytes] | None = None) -> Comparison:
    """Compares a .pt with the generated file.

    Args:
        file: An untrusted .pt, read once from its start.
        generated: What the exporter makes of the claims of that file.
        copy: Where to write the bytes that were compared, so that they cannot change later.

    Raises:
        DifferenceError: Something other than the numbers of the weights differs, or one of them is
            NaN or infinite.
        OSError: A file cannot be read or written.
    """
    with zipfile.ZipFile(generated.path) as archive:
        records = archive.infolist()
        spans = _free_spans(records, archive.start_dir, generated.weights)
    file.seek(0)
    reader = _Reader(file, copy)
    crcs: dict[str, int] = {}
    claimed: dict[str, int] = {}
    digests: list[tuple[TensorForm, str]] = []
    position = 0
    with generated.path.open("rb") as reference:
        for span in [*spans, None]:
            end = span.start if span else reference.seek(0, 2)
            reference.seek(position)
            _compare_fixed(reader, reference, position, end - position, records)
            if span is None:
                position = end
                break
            if span.kind == "numbers":
                form = generated.weights[span.record]
                digest, crc = _read_numbers(reader, span, form)
                digests.append((form, digest))
                if claimed[span.record] != crc:
                    raise DifferenceError(f"{span.record} has a header with a wrong CRC-32")
                crcs[span.record] = crc
            else:
                content = reader.exactly(span.size)
                if len(content) < span.size:
                    raise DifferenceError(f"it ends within the CRC-32 of {span.record}")
                found = int.from_bytes(content, "little")
                if crcs.get(span.record, found) != found:
                    raise DifferenceError(f"{span.record} has a wrong CRC-32 in the directory")
                claimed[span.record] = found
            position = span.start + span.size
    if reader.exactly(1):
        raise DifferenceError("bytes follow the end of the archive")
    return Comparison(reader.sha256.hexdigest(), position, digest_of_all(digests))


def _free_spans(
    records: list[zipfile.ZipInfo], directory: int, weights: dict[str, TensorForm]
) -> list[_Span]:
    """Returns the spans that may differ, in order: numbers, and where their CRC-32 stands."""
    spans = []
    for info in records:
        name = info.filename
        if name in weights:
            data = info.header_offset + _LOCAL_BYTES + len(name.encode()) + len(info.extra)
            spans += [
                _Span(info.header_offset + _LOCAL_CRC, 4, name, "crc"),
                _Span(data, info.file_size, name, "numbers"),
                _Span(directory + _CENTRAL_CRC, 4, name, "crc"),
            ]
        directory += _CENTRAL_BYTES + len(name.encode()) + len(info.extra) + len(info.comment)
    return sorted(spans, key=lambda span: span.start)


def _compare_fixed(
    reader: _Reader, reference: IO[bytes], start: int, size: int, records: list[zipfile.ZipInfo]
) -> None:
    position = start
    for chunk in reader.chunks(size):
        expected = reference.read(len(chunk))
        if chunk != expected:
            first = next(i for i, (a, b) in enumerate(zip(chunk, expected, strict=True)) if a != b)
            raise DifferenceError(f"{_name_at(position + first, records)} differs")
        position += len(chunk)
    if position < start + size:
        raise DifferenceError(f"the file ends within {_name_at(position, records)}")


def _name_at(position: int, records: list[zipfile.ZipInfo]) -> str:
    """Names the part of the generated file at an offset."""
    for info in sorted(records, key=lambda info: info.header_offset):
        data = info.header_offset + _LOCAL_BYTES + len(info.filename.encode()) + len(info.extra)
        if position < data:
            return f"the header of {info.filename}"
        if position < data + info.file_size:
            return info.filename
    return "the directory of the archive"


def _read_numbers(reader: _Reader, span: _Span, form: TensorForm) -> tuple[str, int]:
    """Returns SHA-256 and CRC-32 of a weight's numbers, once all of them are finite."""
    dtype = np.dtype(NUMPY_DTYPES[form.dtype])
    sha256, crc, left = hashlib.sha256(), 0, span.size
    for chunk in reader.chunks(span.size):
        sha256.update(chunk)
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
        if not np.isfinite(np.frombuffer(chunk, dtype, len(chunk) // dtype.itemsize)).all():
            raise DifferenceError(
                f"{span.record}, {form.name}, has weights that are NaN or infinite"
            )
    if left:
        raise DifferenceError(f"the file ends within {span.record}")
    return sha256.hexdigest(), crc
