"""Random changes of a genuine .pt and tar: each is refused, in bounded memory and time.

`tools/bazel test --test_env=FAULTS_DEPTH=10 ...` tries ten times as many.
"""

import random
import shutil
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from export.release.canonical_tar import read_members
from export.verify import papers_check
from testing.depth import DEPTH
from testing.export.verify.command import refusal, verify
from testing.export.verify.small_artifact import SmallExporter, write_records
from testing.export.verify.small_release import small_checkout, write_small_release, write_tar

_MUTATIONS = 200 * DEPTH
_SECONDS = 20
_BYTES = 64 << 20
"""Most memory that a refusal may take in this process, whatever a mutated field claims."""

_INTERESTING = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF)

Mutation = Callable[[bytearray, random.Random], object]


def _flip(content: bytearray, dice: random.Random) -> None:
    for _ in range(dice.choice((1, 1, 1, 8))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _insert(content: bytearray, dice: random.Random) -> None:
    position = dice.randrange(len(content) + 1)
    content[position:position] = dice.randbytes(dice.choice((1, 4, 64, 512)))


def _delete(content: bytearray, dice: random.Random) -> None:
    position = dice.randrange(len(content))
    del content[position : position + dice.choice((1, 4, 64, 512))]


def _repeat(content: bytearray, dice: random.Random) -> None:
    start, size = dice.randrange(len(content)), dice.choice((30, 46, 512, 1024))
    content[start:start] = content[start : start + size]


def _move(content: bytearray, dice: random.Random) -> None:
    start, size = dice.randrange(len(content)), dice.choice((30, 46, 512, 1024))
    piece = content[start : start + size]
    del content[start : start + size]
    position = dice.randrange(len(content) + 1)
    content[position:position] = piece


def _cut(content: bytearray, dice: random.Random) -> None:
    del content[dice.randrange(len(content)) :]


def _append(content: bytearray, dice: random.Random) -> None:
    content += dice.randbytes(dice.choice((1, 22, 512))) if dice.random() < 0.5 else bytes(512)


def _set_field(content: bytearray, dice: random.Random) -> None:
    """Overwrites an aligned or unaligned number with one that programs trip over."""
    form = dice.choice(("<B", "<H", "<L"))
    size = struct.calcsize(form)
    number = dice.choice([value for value in _INTERESTING if value < 1 << (8 * size)])
    struct.pack_into(form, content, dice.randrange(len(content) - size), number)


def _zip_field(content: bytearray, dice: random.Random) -> None:
    """Changes a field in a header of a zip file, where readers look."""
    signature = dice.choice((b"PK\3\4", b"PK\1\2", b"PK\5\6"))
    starts = [i for i in range(len(content)) if content[i : i + 4] == signature]
    start = dice.choice(starts) + dice.randrange(4, 22)
    content[start] = dice.choice((0, 1, 8, 0xFF, content[start] ^ 1))


def _tar_field(content: bytearray, dice: random.Random) -> None:
    """Changes a field in a header of a tar and mends its checksum."""
    starts = [i for i in range(0, len(content), 512) if content[i + 257 : i + 262] == b"ustar"]
    start = dice.choice(starts)
    position = start + dice.choice((0, 99, 100, 108, 124, 134, 136, 156, 157, 265, 345, 500))
    content[position] = dice.choice(b"\x000157xLKg\xff")
    content[start + 148 : start + 156] = b" " * 8
    checksum = sum(content[start : start + 512])
    content[start + 148 : start + 156] = b"%06o\0 " % checksum


_ANY: tuple[Mutation, ...] = (
    _flip,
    _flip,
    _insert,
    _delete,
    _repeat,
    _move,
    _cut,
    _append,
    _set_field,
)


def _record(path: Path, dice: random.Random) -> None:
    """Changes, removes, adds or renames a record; checksums and form are right again."""
    with zipfile.ZipFile(path) as archive:
        records = {name: archive.read(name) for name in archive.namelist()}
    name = dice.choice(list(records))
    what = dice.randrange(4)
    if what == 0:
        del records[name]
    elif what == 1:
        records[f"{name}{dice.randrange(100)}"] = records[name]
    elif what == 2:
        records[name] = records.pop(dice.choice(list(records)))
    else:
        content = bytearray(records[name])
        mutations = (_flip, _insert, _delete, _set_field) if len(content) > 8 else (_append,)
        dice.choice(mutations)(content, dice)
        records[name] = bytes(content)
    write_records(path, records)


def _refuse(path: Path, original: bytes, description: str) -> None:
    """Verifies a changed file, and holds it to the bounds."""
    if path.read_bytes() == original:
        return
    tracemalloc.start()
    start = time.monotonic()
    try:
        _, detail = refusal(verify(path, "--no-probe"))
        assert detail, description
        assert time.monotonic() - start < _SECONDS, description
        assert tracemalloc.get_traced_memory()[1] < _BYTES, description
    finally:
        tracemalloc.stop()


def test_changed_artifacts_are_refused(
    path: Path, witness: Path, children: list[list[str]]
) -> None:
    del witness  # that it is untouched is checked at the end
    assert verify(path, "--no-probe")["word"] == "CONSISTENT"
    original = path.read_bytes()
    dice = random.Random(15)
    for number in range(_MUTATIONS):
        mutation = dice.choice((*_ANY, _zip_field, _zip_field, None, None))
        path.write_bytes(original)
        if mutation:
            content = bytearray(original)
            mutation(content, dice)
            path.write_bytes(content)
        else:
            _record(path, dice)
        _refuse(path, original, f"{number}: {getattr(mutation, '__name__', '_record')}")
    assert not children


@pytest.fixture
def tar(exporter: SmallExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tar of a small release."""
    folder = tmp_path / "made"
    folder.mkdir()
    release = write_small_release(exporter, folder)
    checkout = small_checkout(folder)
    monkeypatch.setattr(papers_check, "_CHECKOUT", checkout)
    return Path(shutil.move(write_tar(release), tmp_path))


def test_changed_tars_are_refused(tar: Path, witness: Path) -> None:
    del witness
    verdict = verify(tar, "--no-probe")
    assert verdict["word"] == "CONSISTENT", verdict["verdict"]
    original = tar.read_bytes()
    members = [name for name, content in read_members(tar) if list(content) is not None]
    assert len(members) > 10
    dice = random.Random(15)
    for number in range(_MUTATIONS):
        mutation = dice.choice((*_ANY, _tar_field, _tar_field, _tar_field))
        content = bytearray(original)
        mutation(content, dice)
        tar.write_bytes(content)
        _refuse(tar, original, f"{number}: {getattr(mutation, '__name__', '')}")
