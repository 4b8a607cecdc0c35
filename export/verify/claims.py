"""Reads what a .pt claims to be from the manifest inside it, and nothing else of the file.

The claims only choose what verify generates. Every byte of the file, the manifest included, is
compared with the generated file afterwards, so a claim that is read wrongly leads to a refusal.
"""

import dataclasses
import re
import struct
from typing import IO, Any, get_args

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER
from export.artifact.runtimes import RUNTIMES
from export.artifact.variant import Precision, Variant
from export.common.digests import Digest
from export.common.strict_json import JsonError, parse_object
from wrapper.printable import printable

MAXIMUM_BYTES = 1 << 30
"""Largest accepted .pt. The largest that the exporter writes has 399,257,188 bytes."""
MAXIMUM_MANIFEST_BYTES = 1 << 16
"""Largest manifest that is read from a .pt. The exporter's have about 1,200 bytes."""

_MAXIMUM_DIRECTORY_BYTES = 1 << 20
"""Largest central directory that is searched. The exporter's have about 110,000 bytes."""
_MANIFEST = f"{FOLDER}/extra/{NAME_IN_ARCHIVE}".encode()

# PKWARE's APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_ZIP64_LOCATOR_BYTES = 20

_MODEL_ID = re.compile(r"[A-Za-z0-9][\w.+-]{0,99}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
RESOLUTIONS = range(256, 2049, 32)
"""Resolutions that the exporter makes files for, in pixels."""
_MAXIMUM_CHECKPOINT_BYTES = 2 << 30
"""Largest checkpoint that the exporter reads."""


class ClaimError(ValueError):
    """A .pt claims nothing that the exporter could make; the message is a predicate."""


@dataclasses.dataclass(frozen=True)
class Claims:
    """Claims that a .pt makes about itself in its manifest.

    Attributes:
        weights_id: Model Id of the weights, without the suffix of the variant.
        variant: Resolution, precision and runtime.
        checkpoint: Digest and size of the weights file.
        text: The manifest, byte for byte.
    """

    weights_id: str
    variant: Variant
    checkpoint: Digest
    text: bytes

    @property
    def model_id(self) -> str:
        """The Model Id that Nuke shows."""
        return self.variant.model_id(self.weights_id)


def read_claims(file: IO[bytes]) -> Claims:
    """Reads the claims of a .pt. At most about 1 MB of the file is read.

    Args:
        file: An untrusted .pt, opened for random access.

    Raises:
        ClaimError: The file has no manifest, or the manifest names nothing that the exporter makes.
        OSError: The file cannot be read.
    """
    text = _find_manifest(file)
    try:
        manifest = parse_object(text, MAXIMUM_MANIFEST_BYTES)
    except JsonError as error:
        raise ClaimError(f"has a manifest that {error}") from None
    return Claims(*_parse(manifest), text)


def _find_manifest(file: IO[bytes]) -> bytes:
    """Returns the record with the manifest, by the central directory of the archive."""
    size = file.seek(0, 2)
    if size > MAXIMUM_BYTES:
        raise ClaimError(f"has {size:,} bytes; the limit is {MAXIMUM_BYTES:,}")
    file.seek(max(0, size - _END.size - _ZIP64_LOCATOR_BYTES))
    tail = file.read(_END.size + _ZIP64_LOCATOR_BYTES)
    end = tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\5\6"):
        raise ClaimError(
            "is not a zip archive that ends with its directory, as the exporter writes it"
        )
    _, _, _, _, _, length, start, _ = _END.unpack(end)
    zip64 = tail.startswith(b"PK\6\7")
    if zip64 or start + length > size or length > _MAXIMUM_DIRECTORY_BYTES:
        raise ClaimError(
            "has a zip64 or oversized directory, as torch.jit.save writes and CorridorKey's "
            "exporter does not; export it again with //export:export_torchscript"
        )
    file.seek(start)
    directory = file.read(length)
    position = 0
    while position + _CENTRAL.size <= length:
        fields = _CENTRAL.unpack_from(directory, position)
        name_length, extra_length, comment_length = fields[10:13]
        name_start = position + _CENTRAL.size
        if directory[name_start : name_start + name_length] == _MANIFEST:
            return _read_record(file, offset=fields[-1], size=fields[9])
        position = name_start + name_length + extra_length + comment_length
    raise ClaimError(f"has no record {_MANIFEST.decode()}")


def _read_record(file: IO[bytes], offset: int, size: int) -> bytes:
    if size > MAXIMUM_MANIFEST_BYTES:
        raise ClaimError(
            f"has a manifest of {size:,} bytes; the limit is {MAXIMUM_MANIFEST_BYTES:,}"
        )
    file.seek(offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        raise ClaimError("has a manifest that begins beyond its end")
    name_length, extra_length = _LOCAL.unpack(header)[-2:]
    file.seek(name_length + extra_length, 1)
    return file.read(size)


def _parse(manifest: dict[str, Any]) -> tuple[str, Variant, Digest]:
    """Returns weights id, variant and checkpoint, each checked against its own grammar."""

    def field(name: str, accepted: bool, expected: str) -> None:
        if not accepted:
            found = printable(repr(manifest.get(name)), limit=80)
            raise ClaimError(f"has a manifest whose {name} is {found}; expected {expected}")

    resolution, precision = manifest.get("resolution"), manifest.get("precision")
    runtime, checkpoint = manifest.get("runtime"), manifest.get("checkpoint")
    # type(), because JSON's true would pass as 1.
    known = type(resolution) is int and resolution in RESOLUTIONS
    field("resolution", known, "a multiple of 32 from 256 to 2048")
    precisions = get_args(Precision)
    field("precision", precision in precisions, " or ".join(precisions))
    known = isinstance(runtime, str) and runtime in RUNTIMES
    field("runtime", known, " or ".join(RUNTIMES))
    known = (
        isinstance(checkpoint, dict)
        and checkpoint.keys() == {"sha256", "bytes"}
        and isinstance(checkpoint["sha256"], str)
        and bool(_SHA256.fullmatch(checkpoint["sha256"]))
        and type(checkpoint["bytes"]) is int
        and 1 <= checkpoint["bytes"] <= _MAXIMUM_CHECKPOINT_BYTES
    )
    field("checkpoint", known, "its SHA-256 and its size in bytes, at least 1")

    variant = Variant(**{f.name: manifest[f.name] for f in dataclasses.fields(Variant)})
    model_id = manifest.get("model_id")
    known = isinstance(model_id, str) and bool(_MODEL_ID.fullmatch(model_id))
    field("model_id", known, "at most 100 letters, digits and . _ + -")
    suffix = variant.model_id("")
    known = str(model_id).endswith(suffix) and len(str(model_id)) > len(suffix)
    field("model_id", known, f"a name that ends in {suffix!r}, as its variant's does")
    assert isinstance(checkpoint, dict)
    return (
        str(model_id).removesuffix(suffix),
        variant,
        {"sha256": checkpoint["sha256"], "bytes": checkpoint["bytes"]},
    )
