import shutil
import struct
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from export.artifact import archive


class Adder(nn.Module):
    """A module with two tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("one", torch.ones(5))
        self.register_buffer("ramp", torch.arange(1000.0))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.one.sum() + self.ramp[7]


@pytest.fixture(scope="module")
def adder() -> torch.jit.ScriptModule:
    return torch.jit.script(Adder())


@pytest.fixture(scope="module")
def saved(adder: torch.jit.ScriptModule, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "adder.pt"
    archive.save(adder, path, {"z.txt": "last", "a.txt": "first"})
    return path


def test_loads_with_extra_files(saved: Path) -> None:
    extra_files: dict[str, Any] = {"a.txt": "", "z.txt": ""}
    module = torch.jit.load(saved, _extra_files=extra_files)
    assert extra_files == {"a.txt": b"first", "z.txt": b"last"}
    assert module(torch.tensor(1.0)).item() == 1 + 5 + 7


def test_records_are_in_one_folder_sorted_undated_and_uncompressed(saved: Path) -> None:
    with zipfile.ZipFile(saved) as file:
        records = file.infolist()
    names = [record.filename for record in records]
    assert names == sorted(names)
    assert {name.partition("/")[0] for name in names} == {"CorridorKey"}
    assert {record.date_time for record in records} == {(1980, 1, 1, 0, 0, 0)}
    assert {record.compress_type for record in records} == {zipfile.ZIP_STORED}


def test_only_debug_records_and_serial_number_are_left_out(
    adder: torch.jit.ScriptModule, saved: Path, tmp_path: Path
) -> None:
    raw = tmp_path / "raw.pt"
    torch.jit.save(adder, raw, _extra_files={"z.txt": "last", "a.txt": "first"})
    with zipfile.ZipFile(raw) as file:
        content = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(saved) as file:
        kept = {name.partition("/")[2]: file.read(name) for name in file.namelist()}
    left_out = content.keys() - kept.keys()
    assert {Path(name).suffix or name for name in left_out} == {
        ".debug_pkl",
        ".data/serialization_id",
    }
    assert kept == {name: data for name, data in content.items() if name not in left_out}


def test_data_is_aligned(saved: Path) -> None:
    data = saved.read_bytes()
    with zipfile.ZipFile(saved) as file:
        headers = [record.header_offset for record in file.infolist()]
    for header in headers:
        name_length, extra_length = struct.unpack_from("<HH", data, header + 26)
        assert (header + 30 + name_length + extra_length) % 64 == 0


def test_bytes_do_not_depend_on_name_and_folder(
    adder: torch.jit.ScriptModule, saved: Path, tmp_path: Path
) -> None:
    other = tmp_path / "another name.pt"
    archive.save(adder, other, {"a.txt": "first", "z.txt": "last"})
    assert other.read_bytes() == saved.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["another name.pt"]


def test_too_little_disk_is_refused_before_libtorch_aborts(
    adder: torch.jit.ScriptModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = 4 * (5 + 1000)  # bytes, in each of two archives
    free = 2 * tensors - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=free))
    with pytest.raises(OSError, match="too little disk"):
        archive.save(adder, tmp_path / "adder.pt", {})
    assert not list(tmp_path.iterdir())
