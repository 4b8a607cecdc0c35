"""Makes QuickTime files whose tables claim more than the file has, by Apple's specification."""

import dataclasses
import struct

_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_SIDE = 16
_DATA = 64


@dataclasses.dataclass(frozen=True)
class ClaimedMovie:
    """A movie of raw RGB pictures of 16 x 16, with 64 bytes of data.

    Attributes:
        samples: Samples of each track.
        size: Bytes of each sample.
        tracks: Number of tracks.
        edits: Times that the edit list shows all samples; 0 for no list.
        overlap: True if all samples begin at the same byte, and only the first is a key frame.
        start: First byte of the data that is used.
    """

    samples: int
    size: int = 1
    tracks: int = 1
    edits: int = 0
    overlap: bool = False
    start: int = 0

    def content(self) -> bytes:
        """Returns the file."""
        kind = _box(b"ftyp", b"qt  \0\0\0\0qt  ")
        first = len(kind) + len(self._tables(0)) + 8 + self.start
        return kind + self._tables(first) + _box(b"mdat", bytes(_DATA))

    def _tables(self, first: int) -> bytes:
        times = struct.pack(">4I", 0, 0, 24, self.samples)
        header = _full(b"mvhd", times, struct.pack(">IH10x", 0x10000, 0x100), _UNITY, bytes(28))
        return _box(b"moov", header, self._track(first, times) * self.tracks)

    def _track(self, first: int, times: bytes) -> bytes:
        header = _box(
            b"tkhd",
            struct.pack(">6I16x", 15, 0, 0, 1, 0, self.samples),
            _UNITY,
            struct.pack(">2I", _SIDE << 16, _SIDE << 16),
        )
        edit = struct.pack(">3I", self.samples, 0, 0x10000)
        edits = _full(b"elst", struct.pack(">I", self.edits), edit * self.edits)
        information = _box(
            b"minf",
            _full(b"vmhd", bytes(8)),
            _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _box(b"alis", b"\0\0\0\1"))),
            self._samples(first),
        )
        handler = _full(b"hdlr", b"mhlrvide", bytes(13))
        media = _box(b"mdia", _full(b"mdhd", times, bytes(4)), handler, information)
        return _box(b"trak", header, _box(b"edts", edits) if self.edits else b"", media)

    def _samples(self, first: int) -> bytes:
        picture = struct.pack(
            ">6xH16x2H2I4xH32x2H", 1, _SIDE, _SIDE, 72 << 16, 72 << 16, 1, 24, 0xFFFF
        )
        chunks = self.samples if self.overlap else 1
        offsets = struct.pack(">I", first) * chunks
        return _box(
            b"stbl",
            _full(b"stsd", struct.pack(">I", 1), _box(b"raw ", picture)),
            _full(b"stts", struct.pack(">3I", 1, self.samples, 1)),
            _full(b"stsc", struct.pack(">4I", 1, 1, self.samples // chunks, 1)),
            _full(b"stsz", struct.pack(">2I", self.size, self.samples)),
            _full(b"stco", struct.pack(">I", chunks), offsets),
            _full(b"stss", struct.pack(">2I", 1, 1)) if self.overlap else b"",
        )


def _box(kind: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, *contents: bytes) -> bytes:
    """Returns a box with a version and flags of 0."""
    return _box(kind, bytes(4), *contents)
