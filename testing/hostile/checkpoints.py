"""Writes checkpoints that must be refused: damaged, mistaken and malicious ones.

None takes more than a few megabytes of disk, whatever size it claims.
"""

import dataclasses
import io
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from testing.hostile.pickle_bytes import (
    END,
    HEAD,
    dictionary,
    endless_tuple,
    number,
    numbers,
    storage,
    tensor,
    text,
)
from wrapper.network.network import CorridorKeyTransformer

POS_EMBED = "encoder.model.pos_embed"
STEM = "refiner.stem.0.weight"


@dataclasses.dataclass(frozen=True)
class Hostile:
    """One kind of hostile file.

    Attributes:
        fault: Description of what is wrong with the file.
        suffix: Suffix of the file's name.
        write: Function that writes the file to a path.
        message: Regular expression that the message to the user must match.
    """

    fault: str
    suffix: str
    write: Callable[[Path], object]
    message: str


class Harm:
    """Creates a file when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = witness

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.witness), "w"))


def complete() -> dict[str, Any]:
    """Returns a complete state dict for 64. Each tensor repeats one number, so a .pth is small."""
    needed = CorridorKeyTransformer(64).state_dict()
    return {key: torch.zeros((), dtype=t.dtype).expand(t.shape) for key, t in needed.items()}


def witness(path: Path) -> Path:
    """Returns the file that a checkpoint's code creates if it runs."""
    return path.with_name(f"{path.name}.ran")


def _saved(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """Writes a complete .pth after an edit."""

    def write(path: Path) -> None:
        content = complete()
        edit(content)
        torch.save(content, path)

    return write


def _put(**tensors: Tensor) -> Callable[[Path], object]:
    """Writes a complete .pth with some tensors replaced; "__" in a key stands for a dot."""
    return _saved(
        lambda content: content.update({k.replace("__", "."): t for k, t in tensors.items()})
    )


def _without(key: str) -> Callable[[Path], object]:
    return _saved(lambda content: content.pop(key))


def _zip(
    records: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, data in records.items():
                archive.writestr(f"archive/{name}", data)

    return write


def _pickle(content: bytes, *records: bytes) -> Callable[[Path], object]:
    """Writes a .pth with this pickle and these records, in a form that torch.load opens."""
    data = {f"data/{n}": record for n, record in enumerate(records)}
    return _zip({"version": b"3\n", "data.pkl": HEAD + content + END, **data})


def _runs_code(path: Path) -> None:
    torch.save({**complete(), "x": Harm(witness(path))}, path)


def _runs_code_unzipped(path: Path) -> None:
    path.write_bytes(pickle.dumps(Harm(witness(path)), 2))


def _runs_code_before_1_6(path: Path) -> None:
    torch.save({"x": Harm(witness(path))}, path, _use_new_zipfile_serialization=False)


def _bomb(record: str) -> Callable[[Path], object]:
    """Writes four gigabytes of zeros as four megabytes of deflated data."""

    def write(path: Path) -> None:
        deflate = zlib.compressobj(wbits=-15)
        chunk = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/version", b"3\n")
            archive.writestr(f"archive/{record}", chunk * 4095 + deflate.flush())
        data = bytearray(path.read_bytes())
        # Patches compression method and unpacked size in both headers of the second record.
        for header, method, size in ((b"PK\3\4", 8, 22), (b"PK\1\2", 10, 24)):
            start = data.index(header, data.index(header) + 1)
            struct.pack_into("<H", data, start + method, zipfile.ZIP_DEFLATED)
            struct.pack_into("<L", data, start + size, 4095 << 20)
        path.write_bytes(data)

    return write


def _lying(path: Path) -> None:
    """Writes a pickle that claims 64 KiB for a record of 4 bytes, to expose the memory after it."""
    lying = tensor(numbers(16384), numbers(1), of=storage(number(16384)))
    _pickle(dictionary(a=lying), bytes(4))(path)


def _overlapping(path: Path) -> None:
    """Writes a zip file whose records all share the same bytes."""
    record = bytes(1 << 20)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/version", b"3\n")
        archive.writestr("archive/data.pkl", HEAD + dictionary(a=b"N") + END)
        archive.writestr("archive/data/0", record)
        info = archive.getinfo("archive/data/0")
        for n in range(1, 20_000):
            other = zipfile.ZipInfo(f"archive/data/{n}")
            other.file_size, other.compress_size, other.CRC = len(record), len(record), info.CRC
            other.header_offset = info.header_offset
            archive.filelist.append(other)
            archive.NameToInfo[other.filename] = other


def _duplicates(path: Path) -> None:
    good = HEAD + dictionary(a=tensor(numbers(1), numbers(1), of=storage(number(1)))) + END
    harm = HEAD + b"cos\nsystem\n(" + text("true") + b"tR" + END
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in (("version", b"3\n"), ("data.pkl", good), ("data.pkx", harm)):
            archive.writestr(f"archive/{name}", data)
    path.write_bytes(file.getvalue().replace(b"data.pkx", b"data.pkl"))


def _many_records(path: Path) -> None:
    """Writes a zip file with 70,000 entries."""
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(70_000):
            archive.writestr(f"{n}", b"")


def _safetensors(header: str, data: bytes = b"", length: int | None = None) -> Callable[..., Any]:
    raw = header.encode()
    claimed = len(raw) if length is None else length
    return lambda path: path.write_bytes(struct.pack("<Q", claimed) + raw + data)


def _entry(start: int, end: int, shape: str = "[1]", dtype: str = "F32") -> str:
    return f'{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}'


def _two(one: str, other: str) -> str:
    return f'{{"a":{one},"b":{other}}}'


def _large_header(path: Path) -> None:
    """Writes a header of 73 MB with a million tensors, which safetensors itself accepts."""
    entries = ",".join(f'"tensor {n:014}":{_entry(0, 0, "[0]")}' for n in range(10**6))
    _safetensors(f"{{{entries}}}")(path)


def _another_network(path: Path) -> None:
    network = torch.nn.TransformerEncoderLayer(d_model=32, nhead=2)
    safetensors.torch.save_file(network.state_dict(), path)


def _sparse(size: int) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(b"PK\3\4")
            file.truncate(size)  # takes no disk

    return write


DAMAGED = "is damaged, or holds more than tensors"
HOSTILE = (
    # Not files.
    Hostile("an empty file", ".pth", lambda path: path.write_bytes(b""), "is empty"),
    Hostile("a named pipe", ".pth", os.mkfifo, "a pipe"),
    Hostile("a device", ".pth", lambda path: path.symlink_to("/dev/zero"), "a device"),
    Hostile("a link to nothing", ".pth", lambda path: path.symlink_to("gone"), "No such file"),
    Hostile("a file of 1 TB", ".pth", _sparse(10**12), "more than any checkpoint"),
    # Pickles.
    Hostile("a pickle that runs code", ".pth", _runs_code, "names 'io.open'"),
    Hostile("a bare pickle that runs code", ".pth", _runs_code_unzipped, DAMAGED),
    Hostile("one of torch before 1.6", ".pth", _runs_code_before_1_6, "before 1.6"),
    Hostile(
        "a pickle that asks for 16 GB",
        ".pth",
        _pickle(dictionary(a=b"c__builtin__\nbytearray\n(\x8a\x05\0\0\0\0\4tR")),
        "names '__builtin__.bytearray'",
    ),
    Hostile("a pickle with a far memo", ".pth", _pickle(b"}r\xff\xff\xff\xff"), "does not hold"),
    Hostile("a pickle with an endless tuple", ".pth", _pickle(endless_tuple()), "a tuple, not"),
    Hostile(
        "a pickle with an endless key",
        ".pth",
        _pickle(b"}(" + endless_tuple() + b"Nu"),
        "does not hold",
    ),
    Hostile(
        "a tensor of 2^40 positions, all the same one",
        ".pth",
        _saved(
            lambda content: content.update({POS_EMBED: torch.zeros(()).expand(1, 1 << 40, 112)})
        ),
        "wrong shape: encoder.model.pos_embed",
    ),
    Hostile(
        "a record shorter than its tensor", ".pth", _lying, "has 4 bytes; its pickle says 65,536"
    ),
    Hostile(
        "a tensor beyond its record",
        ".pth",
        _pickle(dictionary(a=tensor(numbers(7), numbers(1))), bytes(24)),
        "reaches beyond its storage",
    ),
    Hostile(
        "a key of control characters",
        ".pth",
        _put(**{"\x1b[2J\n": torch.zeros(1)}),
        r"unexpected: \\x1b\[2J\\n",
    ),
    Hostile("a key of 3 MB", ".pth", _put(**{"x" * 3_000_000: torch.zeros(1)}), r"xxx… \[1\]"),
    # Zip files.
    Hostile("a zip bomb for a tensor", ".pth", _bomb("data/0"), "compressed records"),
    Hostile("a zip bomb for a pickle", ".pth", _bomb("data.pkl"), "compressed records"),
    Hostile("a zip file of overlapping records", ".pth", _overlapping, DAMAGED),
    Hostile("two records of one name", ".pth", _duplicates, "two records of one name"),
    Hostile("70,000 records", ".pth", _many_records, "more than 65,536 records"),
    Hostile("a zip file of something else", ".pth", _zip({"readme": b""}), "data.pkl"),
    Hostile("a pickle of 5 MB", ".pth", _pickle(b"}" + b"N0" * 2_500_000), "pickle has"),
    # Safetensors headers.
    *(
        Hostile(f"a header of {name} bytes", ".safetensors", _safetensors("{}", length=n), DAMAGED)
        for name, n in (("2^60", 2**60), ("2^63", 2**63), ("2^64 - 1", 2**64 - 1))
    ),
    Hostile("a header of 73 MB", ".safetensors", _large_header, "has a header of"),
    Hostile("a header beyond the file", ".safetensors", _safetensors("{}", length=1000), DAMAGED),
    Hostile(
        "tensors that overlap",
        ".safetensors",
        _safetensors(_two(_entry(0, 4), _entry(2, 6)), bytes(8)),
        DAMAGED,
    ),
    Hostile(
        "a hole between tensors",
        ".safetensors",
        _safetensors(_two(_entry(0, 4), _entry(8, 12)), bytes(12)),
        DAMAGED,
    ),
    Hostile(
        "a tensor beyond the end",
        ".safetensors",
        _safetensors(f'{{"a":{_entry(0, 1 << 60, "[288230376151711744]")}}}', bytes(8)),
        DAMAGED,
    ),
    Hostile(
        "a tensor that ends before it starts",
        ".safetensors",
        _safetensors(f'{{"a":{_entry(8, 4)}}}', bytes(8)),
        DAMAGED,
    ),
    Hostile(
        "a shape that overflows",
        ".safetensors",
        _safetensors(f'{{"a":{_entry(0, 4, "[4294967296,4294967296,4294967296]")}}}', bytes(4)),
        DAMAGED,
    ),
    Hostile(
        "bytes after the last tensor",
        ".safetensors",
        _safetensors(f'{{"a":{_entry(0, 4)}}}', bytes(400)),
        DAMAGED,
    ),
    Hostile(
        "a name twice in a header",
        ".safetensors",
        _safetensors(f'{{"a":{_entry(0, 4)},"a":{_entry(0, 4)}}}', bytes(4)),
        "has a name twice",
    ),
    Hostile("a header 100,000 deep", ".safetensors", _safetensors("[" * 100_000), DAMAGED),
    Hostile("a header that is not JSON", ".safetensors", _safetensors("\xff" * 99), DAMAGED),
    # Other weights.
    Hostile("another network's weights", ".safetensors", _another_network, r"and \d+ more"),
    Hostile("a missing tensor", ".pth", _without(STEM), f"missing: {STEM}"),
    Hostile(
        "a wrong shape",
        ".pth",
        _put(refiner__stem__0__weight=torch.zeros(7, 64, 3, 3)),
        f"wrong shape: {STEM}",
    ),
    Hostile(
        "a wrong dtype",
        ".pth",
        _put(refiner__stem__0__weight=torch.zeros(64, 7, 3, 3, dtype=torch.float64)),
        f"wrong dtype: {STEM}",
    ),
    Hostile(
        "a weight that is NaN",
        ".pth",
        _put(refiner__stem__0__weight=torch.full((64, 7, 3, 3), torch.nan)),
        f"not finite: {STEM}",
    ),
    Hostile(
        "a sparse tensor",
        ".pth",
        _put(refiner__stem__0__weight=torch.zeros(64, 7, 3, 3).to_sparse()),
        "_rebuild_sparse_tensor",
    ),
    Hostile(
        "a tensor without numbers",
        ".pth",
        _put(refiner__stem__0__weight=torch.zeros(64, 7, 3, 3, device="meta")),
        "_rebuild_meta_tensor",
    ),
)
