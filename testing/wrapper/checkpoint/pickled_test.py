"""Tests that pickled tensors are read as torch.save writes them, and that nothing else happens."""

import io
import pickle
import time
import zipfile
from collections import Counter, OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch

from testing.hostile.pickle_bytes import (
    DICT,
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
from wrapper.checkpoint import pickled
from wrapper.checkpoint.pickled import PickleError, Storage, Tensor

GOOD = tensor(numbers(2, 3), numbers(3, 1))
COUNTER = "collections Counter"


def read(content: bytes) -> Any:
    value, _ = pickled.read(HEAD + content + END, known=COUNTER.__eq__)
    return value


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (str(self.path), "w"))


def test_what_torch_saves_is_read() -> None:
    base = torch.arange(12.0).view(3, 4)
    file = io.BytesIO()
    torch.save(
        {
            "transposed": base.T,
            "parameter": torch.nn.Parameter(base[1:]),
            "ordered": OrderedDict(half=torch.zeros(5).half()),
            "optimizer": {"lr": 0.1, "betas": [(0.9, 0.99)], "step": 2**40, "on": True, 3: None},
            "schedule": Counter("aab"),
        },
        file,
    )
    with zipfile.ZipFile(file) as archive:
        value, storages = pickled.read(archive.read("archive/data.pkl"), COUNTER.__eq__)
    twelve, half = Storage("0", "FloatStorage", "cpu", 12), Storage("1", "HalfStorage", "cpu", 5)
    assert value == {
        "transposed": Tensor(twelve, 0, (4, 3), (1, 4)),
        "parameter": Tensor(twelve, 4, (2, 4), (4, 1)),
        "ordered": {"half": Tensor(half, 0, (5,), (1,))},
        "optimizer": {"lr": 0.1, "betas": [], "step": 2**40, "on": True},
        "schedule": None,
    }
    assert storages == {"0": twelve, "1": half}


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
        read(tensor(size, stride, offset))


def test_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    harm = pickle.dumps(Harm(witness), 2)
    with pytest.raises(PickleError, match=r"names 'io.open'"):
        pickled.read(harm, COUNTER.__eq__)
    assert not witness.exists()
    pickle.loads(harm)
    assert witness.exists()  # proves that the pickle does run code


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cos\nsystem\n", r"names 'os.system'"),
        (b"cbuiltins\neval\n", r"names 'builtins.eval'"),
        (b"ctorch.hub\nload\n", r"names 'torch.hub.load'"),
        (b"c__builtin__\nbytearray\n", r"names '__builtin__.bytearray'"),
        (b"\x8c\x02os\x8c\x06system\x93", "has the opcode SHORT_BINUNICODE"),
        (text("os") + text("system") + b"\x93", "has the opcode STACK_GLOBAL"),
        (b"(ios\nsystem\n", "has the opcode INST"),
        (b"\x82\x01", "has the opcode EXT1"),
        (b"Pos\n", "has the opcode PERSID"),
        (b"\x96" + bytes([0] * 7 + [16]), "is not a pickle that torch writes"),
        (b"ctorch\nFloatStorage\n(tR", r"calls torch.FloatStorage"),
        (b"ccollections\nOrderedDict\n(" + number(1) + b"tR", "calls collections.OrderedDict"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)\x81", "calls torch._utils._rebuild_tensor_v2"),
        (storage(text("6")), "something other than a storage"),
        (storage(b"G?\xf0\0\0\0\0\0\0"), "something other than a storage"),
        (storage(number(6), b"ccollections\nCounter\n"), "something other than a storage"),
        (endless_tuple() + b"h\0" * 2 + b"\x87Q", "is not a pickle that torch writes"),
        (b"(" + endless_tuple() + b"h\0" * 4 + b"tQ", "something other than a storage"),
        (storage(number(6)) + storage(number(7)), "gives data/0 two sizes"),
        (tensor(numbers(6), numbers(1, 1)), "is not a pickle that torch writes"),
        (tensor(text("6"), text("1")), "with a shape other than"),
        (tensor(numbers(*[1] * 65), numbers(*[1] * 65)), "with a shape other than"),
        (tensor(numbers(0), numbers(1), of=number(1)), "without a storage"),
        (dictionary(a=GOOD)[:-1] + text("a") + GOOD + b"u", "has 'a' twice"),
        (b"}" + text("a") + GOOD + b"s" + text("a") + GOOD + b"s", "has 'a' twice"),
        (b"R", "is not a pickle that torch writes"),
        (b"h\x05", "is not a pickle that torch writes"),
        (b"t", "is not a pickle that torch writes"),
        (b"\x85", "is not a pickle that torch writes"),
        (text("a") * 2 + b"R", "is not a pickle that torch writes"),
        (b"(" + b"(" * 1000 + b"t" * 1000 + b"tQ", "is not a pickle that torch writes"),
        (b"N.N", "bytes after its end"),
        (b"X\xff\xff\xff\xffa", "is not a pickle that torch writes"),
    ],
)
def test_what_torch_does_not_write_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        read(content)


def test_a_pickle_without_an_end_is_refused() -> None:
    with pytest.raises(PickleError, match="is not a pickle that torch writes"):
        pickled.read(HEAD + b"N", COUNTER.__eq__)


@pytest.mark.parametrize(
    "content",
    [
        b"N" * 300_000 + b"(t" * 300_000,
        b"N" + b"\x85" * 900_000,
        b"N" + b"r\xff\xff\xff\xff" * 200_000,
        endless_tuple(),
        b"}(" + endless_tuple() + b"Nu",
        DICT * 60_000,
    ],
    ids=["many tuples", "deep tuple", "far memo", "endless tuple", "endless key", "many dicts"],
)
def test_a_megabyte_of_opcodes_is_no_work(content: bytes) -> None:
    before = time.process_time()
    read(content)
    # Measured at most 3 s, under load. Quadratic work would take half an hour.
    assert time.process_time() - before < 30
