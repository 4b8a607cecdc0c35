"""What TorchScript writes is followed; whatever else a pickle can do is refused, and not done."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from export.pickle_check import PickleError, tensor_records

HEAD, END = b"\x80\x02", b"."


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def number(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little", signed=True)


def numbers(*values: int) -> bytes:
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(
    count: bytes, dtype: bytes = b"ctorch\nFloatStorage\n", device: str = "cpu", key: str = "0"
) -> bytes:
    return b"(" + text("storage") + dtype + text(key) + text(device) + count + b"tQ"


def tensor(size: bytes, stride: bytes, offset: int = 0, of: bytes = storage(number(6))) -> bytes:
    hooks = b"ccollections\nOrderedDict\n)R"
    arguments = b"(" + of + number(offset) + size + stride + b"\x89" + hooks + b"t"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


class Harm:
    """Writes a file, if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_a_tensor_has_the_bytes_of_its_storage() -> None:
    content = tensor(numbers(2, 3), numbers(3, 1))
    assert tensor_records(HEAD + content + END) == {"0": 24}


def test_each_dtype_has_its_size() -> None:
    sizes = {"FloatStorage": 24, "HalfStorage": 12, "LongStorage": 48}
    for dtype, size in sizes.items():
        of = storage(number(6), f"ctorch\n{dtype}\n".encode())
        content = tensor(numbers(6), numbers(1), of=of)
        assert tensor_records(HEAD + content + END) == {"0": size}


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        (numbers(7), numbers(1), 0),
        (numbers(2, 3), numbers(4, 1), 0),
        (numbers(6), numbers(1), 1),
        (numbers(6), numbers(1), -1),
        (numbers(2), numbers(-1), 3),
        (numbers(-2), numbers(1), 0),
        (numbers(1 << 30, 1 << 30), numbers(0, 1), 0),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(size: bytes, stride: bytes, offset: int) -> None:
    with pytest.raises(PickleError, match="reaches beyond its storage"):
        tensor_records(HEAD + tensor(size, stride, offset) + END)


def test_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    harm = pickle.dumps(Harm(witness), 2)
    with pytest.raises(PickleError, match=r"names 'io.open'"):
        tensor_records(harm)
    assert not witness.exists()
    pickle.loads(harm)
    assert witness.exists()  # so the pickle was a real one


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cos\nsystem\n", r"names 'os.system'"),
        (b"cbuiltins\neval\n", r"names 'builtins.eval'"),
        (b"ctorch.hub\nload\n", r"names 'torch.hub.load'"),
        (b"c__torch__.a.b; import os\nC\n", "names"),
        (b"\x8c\x02os\x8c\x06system\x93", "has the opcode SHORT_BINUNICODE"),
        (text("os") + text("system") + b"\x93", "has the opcode STACK_GLOBAL"),
        (b"(ios\nsystem\n", "has the opcode INST"),
        (b"\x82\x01", "has the opcode EXT1"),
        (b"Pos\n", "has the opcode PERSID"),
        (b"ctorch\nFloatStorage\n(tR", r"calls torch.FloatStorage"),
        (b"ccollections\nOrderedDict\n(" + number(1) + b"tR", "calls collections.OrderedDict"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)\x81", "calls torch._utils._rebuild_tensor_v2"),
        (storage(number(6), device="cuda:0"), "for cuda:0, not a storage for the CPU"),
        (storage(text("6")), "not a storage for the CPU"),
        (storage(b"G?\xf0\0\0\0\0\0\0"), "not a storage for the CPU"),
        (storage(number(6), b"ctorch\nDoubleStorage\n"), r"names 'torch.DoubleStorage'"),
        (storage(number(6)) + storage(number(7)), "gives data/0 two sizes"),
        (b"R", "is no pickle that TorchScript writes"),
        (b"h\x05", "is no pickle that TorchScript writes"),
        (b"t", "is no pickle that TorchScript writes"),
        (text("a") * 2 + b"R", "is no pickle that TorchScript writes"),
        (b"(" + b"(" * 1000 + b"t" * 1000 + b"tQ", "is no pickle that TorchScript writes"),
        (b".N", "bytes after its end"),
    ],
)
def test_what_torchscript_does_not_write_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        tensor_records(HEAD + content + END)


def test_a_pickle_without_an_end_is_refused() -> None:
    with pytest.raises(PickleError, match="is no pickle that TorchScript writes"):
        tensor_records(HEAD + b"N")
