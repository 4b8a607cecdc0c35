"""Is a .pt the kind of zip file that the exporter writes? Nothing is loaded to find out.

What is refused here could make a reader see other records than the writer's, take more memory or
disk than the file has a right to, or read past the end of a record. Needs no torch.
"""

import re
import stat
import struct
import zipfile
from collections import Counter
from pathlib import Path
from typing import IO

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER
from export.verify.pickle_check import tensor_records
from wrapper.checkpoint.pickled import PickleError

MANIFEST = f"{FOLDER}/extra/{NAME_IN_ARCHIVE}"
"""The record that holds the manifest."""

MAXIMUM_BYTES = 1 << 30
"""Of a file. The largest that the exporter makes, 2048 in float32, has 399,257,188."""
MAXIMUM_RECORDS = 2048
"""In a file. The exporter's have about 840."""
MAXIMUM_TEXT_BYTES = 1 << 20
"""Of a record that is no tensor. The largest of the exporter's has 63 thousand."""
_MAXIMUM_DIRECTORY_BYTES = 1 << 20
"""Of the central directory. The exporter's have 110 thousand."""

_NEEDED = {f"{FOLDER}/constants.pkl", f"{FOLDER}/data.pkl", MANIFEST}
_CODE = re.compile(rf"{FOLDER}/code(/\w+)+\.py", re.ASCII)
_TENSOR = re.compile(rf"{FOLDER}/data/\d+", re.ASCII)
# libtorch names the version as the operators in the file need.
_KNOWN = _NEEDED | {f"{FOLDER}/{name}" for name in (".data/version", "byteorder", "version")}

# PKWARE's APPNOTE.TXT, 4.3.7 and 4.3.16.
_LOCAL = struct.Struct("<4s5H3L2H")
_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20


class ArchiveError(ValueError):
    """A file that must not be loaded; the message names the record."""


def check_archive(path: Path) -> None:
    """Looks at every header and every record but the tensors' numbers.

    Args:
        path: A file that nobody vouches for.

    Raises:
        ArchiveError: It is not what the exporter writes, and should not be loaded.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        directory_start = _check_end(file)
        try:
            with zipfile.ZipFile(file) as archive:
                records = archive.infolist()
                _check_names([record.orig_filename for record in records])
                for record in records:
                    _check_form(record)
                _check_layout(file, records, directory_start)
                _check_content(archive)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ArchiveError(f"it is a damaged zip file: {error}") from None


def _check_end(file: IO[bytes]) -> int:
    """Returns where the central directory begins, which must run up to a plain end."""
    size = file.seek(0, 2)
    if size > MAXIMUM_BYTES:
        raise ArchiveError(f"it has {size:,} bytes, where {MAXIMUM_BYTES:,} would be plenty")
    if size < _LOCAL.size + _END.size:
        raise ArchiveError(f"it has {size} bytes, which is no zip file")
    file.seek(-min(size, _END.size + _ZIP64_LOCATOR_BYTES), 2)
    tail = file.read()
    signature, disk, first, here, count, length, start, comment = _END.unpack(tail[-_END.size :])
    if signature != b"PK\5\6" or comment:
        raise ArchiveError("it is no zip file, or more bytes follow the end of one")
    if tail.startswith(b"PK\6\7"):
        raise ArchiveError(
            "it has a zip64 directory, as torch.jit.save writes and CorridorKey's exporter does "
            "not; export it again with //export:export_torchscript"
        )
    if disk or first or here != count or start + length + _END.size != size:
        raise ArchiveError("its central directory does not end where the file does")
    if count > MAXIMUM_RECORDS or length > _MAXIMUM_DIRECTORY_BYTES:
        raise ArchiveError(f"it has {count} records, in a directory of {length:,} bytes")
    return int(start)


def _check_names(names: list[str]) -> None:
    for name in names:
        if name not in _KNOWN and not _CODE.fullmatch(name) and not _TENSOR.fullmatch(name):
            raise ArchiveError(f"{name!r} is no name of a record in {FOLDER}/")
    for name, times in Counter(names).items():
        if times > 1:
            raise ArchiveError(f"{name} is in it {times} times")
    for name in sorted(_NEEDED.difference(names)):
        raise ArchiveError(f"{name} is missing")


def _check_form(record: zipfile.ZipInfo) -> None:
    name = record.filename
    if record.compress_type != zipfile.ZIP_STORED or record.compress_size != record.file_size:
        raise ArchiveError(f"{name} is compressed, which no record of the exporter's is")
    if record.flag_bits or record.volume or record.comment:
        raise ArchiveError(f"{name} is encrypted, streamed, commented or on another volume")
    if stat.S_IFMT(record.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ArchiveError(f"{name} is a link, a folder or a device, not a file")
    if not _TENSOR.fullmatch(name) and record.file_size > MAXIMUM_TEXT_BYTES:
        raise ArchiveError(f"{name} has {record.file_size:,} bytes, too many for what it is")


def _check_layout(file: IO[bytes], records: list[zipfile.ZipInfo], directory_start: int) -> None:
    """Every byte before the directory belongs to one record, and its two headers agree."""
    last = max(records, key=lambda record: record.header_offset)
    if last.header_offset >= directory_start:
        raise ArchiveError(f"{last.filename} begins beyond the end of the records")
    position = 0
    for record in sorted(records, key=lambda record: record.header_offset):
        name = record.filename
        if record.header_offset < position:
            raise ArchiveError(f"{name} overlaps the record before it")
        if record.header_offset > position:
            raise ArchiveError(f"{record.header_offset - position} stray bytes are before {name}")
        file.seek(position)
        # The directory's end is larger than a local header, so there are bytes enough to read.
        signature, version, *fields, name_length, extra_length = _LOCAL.unpack(
            file.read(_LOCAL.size)
        )
        central = [record.flag_bits, record.compress_type, *_dos_time(record)]
        central += [record.CRC, record.compress_size, record.file_size]
        agrees = (
            signature == b"PK\3\4"
            and version == record.extract_version
            and fields == central
            and file.read(name_length) == name.encode()
            and file.read(extra_length) == record.extra
        )
        if not agrees:
            raise ArchiveError(f"{name} has a local header that disagrees with the directory")
        position += _LOCAL.size + name_length + extra_length + record.file_size
        if position > directory_start:
            raise ArchiveError(f"{name} claims more bytes than the file has")
    if position != directory_start:
        raise ArchiveError(f"{directory_start - position} stray bytes are before the directory")


def _dos_time(record: zipfile.ZipInfo) -> tuple[int, int]:
    year, month, day, hour, minute, second = record.date_time
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


def _check_content(archive: zipfile.ZipFile) -> None:
    """Tensors have the bytes that the pickles say, and no record is an archive of its own."""
    for record in archive.infolist():
        with archive.open(record) as content:
            if content.read(4) == b"PK\3\4":
                raise ArchiveError(f"{record.filename} is an archive itself")
    claimed: dict[str, int] = {}
    for name in (f"{FOLDER}/constants.pkl", f"{FOLDER}/data.pkl"):
        try:
            claimed |= {
                f"{FOLDER}/data/{key}": size
                for key, size in tensor_records(archive.read(name)).items()
            }
        except PickleError as error:
            raise ArchiveError(f"{name} {error}") from None
        if name.endswith("constants.pkl") and claimed:
            raise ArchiveError(f"{name} describes tensors")
    sizes = {record.filename: record.file_size for record in archive.infolist()}
    for name in sorted(claimed.keys() | {name for name in sizes if _TENSOR.fullmatch(name)}):
        has, claims = sizes.get(name), claimed.get(name)
        if has is None:
            raise ArchiveError(f"{name} is missing, and {FOLDER}/data.pkl refers to it")
        if claims is None:
            raise ArchiveError(f"{name} is what nothing in {FOLDER}/data.pkl refers to")
        if has != claims:
            raise ArchiveError(f"{name} claims to be {claims:,} bytes, and has {has:,}")
