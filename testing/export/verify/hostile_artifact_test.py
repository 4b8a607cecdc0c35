"""No hostile .pt passes, none of its code runs, and torch loads none of them."""

import contextlib
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from export.verify import artifact_check
from export.verify.claims import Claims, read_claims
from export.verify.comparison import DifferenceError, compare
from export.verify.generated import Generated
from testing.export.verify.command import refusal, verify
from testing.export.verify.small_artifact import SmallExporter
from testing.hostile.archives import HOSTILE, Hostile

_LIVE = [hostile for hostile in HOSTILE if hostile.runs]


def _name(hostile: Hostile) -> str:
    return f"{hostile.kind}: {hostile.fault}"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("hostile", HOSTILE, ids=_name)
def test_hostile_file_is_refused_unloaded(
    hostile: Hostile, path: Path, witness: Path, children: list[list[str]]
) -> None:
    assert verify(path, "--no-probe")["word"] == "CONSISTENT"
    hostile.harm(path, witness)
    content = path.read_bytes() if path.stat().st_size < 1 << 30 else b""
    _, detail = refusal(verify(path))
    assert re.search(hostile.message, detail), detail
    assert not children  # so torch, which only a child has, has not loaded it
    assert not content or path.read_bytes() == content


@pytest.mark.parametrize("hostile", _LIVE, ids=_name)
def test_the_code_in_the_table_would_run(hostile: Hostile, path: Path, tmp_path: Path) -> None:
    """Shows that the witness of the test above would tell."""
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    hostile.harm(path, victim)
    with contextlib.suppress(RuntimeError):
        module = torch.jit.load(path)
        if hostile.runs == "forward":
            module(torch.zeros(1, 4, 8, 8))
    assert victim.read_bytes() != b"untouched"


def test_table_has_at_least_three_of_each_kind() -> None:
    kinds = [hostile.kind for hostile in HOSTILE]
    assert min(kinds.count(kind) for kind in kinds) >= 3


def test_verify_needs_no_torch_to_refuse(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; sys.modules['torch'] = None; "
        "from export.verify.verify import main; main()"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=False
    )
    assert process.returncode == 1, process.stderr
    assert process.stdout.splitlines()[-1].startswith("REFUSED: ")


def test_what_is_probed_is_what_was_compared(
    path: Path, exporter: SmallExporter, tmp_path: Path
) -> None:
    with path.open("rb") as file:
        generated = exporter.generate(read_claims(file), tmp_path)
        with (tmp_path / "copy.pt").open("wb") as copy:
            compare(file, generated, copy)
    assert (tmp_path / "copy.pt").read_bytes() == path.read_bytes()


def test_numbers_are_finite_though_the_file_ends_for_a_moment(
    exporter: SmallExporter, path: Path, tmp_path: Path
) -> None:
    """A writer cuts the file within a number, once, and restores it before the next read."""
    key, tensor = next(iter(exporter.weights.items()))
    exporter.write(path, weights={**exporter.weights, key: tensor * float("nan")})
    with path.open("rb") as file:
        generated = exporter.generate(read_claims(file), tmp_path)
    content = path.read_bytes()
    cut = _Cut(content, content.index(b"\x00\x00\xc0\x7f" * 2) + 2)
    with pytest.raises(DifferenceError, match=r"NaN or infinite|ends within"):
        compare(cut, generated)
    assert not cut.cuts


def test_file_that_ends_within_a_crc_is_refused(
    exporter: SmallExporter, path: Path, tmp_path: Path
) -> None:
    exporter.write(path)
    with path.open("rb") as file:
        generated = exporter.generate(read_claims(file), tmp_path)
    with zipfile.ZipFile(path) as archive:
        crc = next(i.CRC for i in archive.infolist() if i.filename in generated.weights)
    content = path.read_bytes()
    cut = _Cut(content, content.index(crc.to_bytes(4, "little")) + 3)
    with pytest.raises(DifferenceError, match="ends within the CRC-32 of"):
        compare(cut, generated)


class _Cut(io.BytesIO):
    """A file that ends at a byte, once."""

    def __init__(self, content: bytes, end: int) -> None:
        super().__init__(content)
        self.cuts = [end]

    def read(self, size: int | None = -1, /) -> bytes:
        left = self.cuts[0] - self.tell() if self.cuts else sys.maxsize
        if size is not None and 0 <= left < size:
            size = left
            self.cuts.clear()
        return super().read(size)


def test_a_file_that_changes_meanwhile_is_refused(
    path: Path, exporter: SmallExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another genuine file takes the place of the one whose digest was checked."""
    generate = exporter.generate

    def swap(claims: Claims, folder: Path) -> Generated:
        exporter.write(path, weights=exporter.other_weights())
        return generate(claims, folder)

    monkeypatch.setattr(artifact_check, "generate", swap)
    assert refusal(verify(path))[1] == "the file changed while it was verified"
