"""A TorchScript pickle says how many bytes its records have, and nothing else."""

import pytest

from export.verify.pickle_check import tensor_records
from testing.hostile.pickle_bytes import END, HEAD, number, numbers, storage, tensor
from wrapper.checkpoint.pickled import PickleError


@pytest.mark.parametrize(("dtype", "size"), [("Float", 24), ("Half", 12), ("Long", 48)])
def test_a_record_has_the_bytes_of_its_storage(dtype: str, size: int) -> None:
    of = storage(number(6), f"ctorch\n{dtype}Storage\n".encode(), key="7")
    module = b"c__torch__.a.b\nC\n)\x81" + tensor(numbers(2), numbers(1), of=of) + b"b"
    assert tensor_records(HEAD + module + END) == {"7": size}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"c__torch__.a.b; import os\nC\n", "names"),
        (b"ccollections\nCounter\n", "names 'collections.Counter'"),
        (storage(number(6), device="cuda:0"), "has a FloatStorage for cuda:0"),
        (storage(number(6), b"ctorch\nDoubleStorage\n"), "has a DoubleStorage for cpu"),
    ],
)
def test_what_the_exporter_does_not_write_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(PickleError, match=message):
        tensor_records(HEAD + content + END)
