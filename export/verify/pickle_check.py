"""The records that a TorchScript pickle refers to, and the bytes that each must have.

libtorch believes what a pickle says of the length of a record. So this is where it is checked.
"""

import re

from wrapper.checkpoint import pickled
from wrapper.checkpoint.pickled import PickleError

_ITEM_BYTES = {"FloatStorage": 4, "HalfStorage": 2, "LongStorage": 8}
"""The storages that the exporter's files have."""

_CLASS = re.compile(r"__torch__(\.\w+)* \w+", re.ASCII)
"""A class whose code is in the archive."""


def tensor_records(data: bytes) -> dict[str, int]:
    """Reads a pickle; nothing in it is run.

    Args:
        data: `data.pkl` or `constants.pkl` of a TorchScript archive.

    Returns:
        Bytes of each record of tensor data that it refers to, by the record's name.

    Raises:
        PickleError: It names a class or function, or has an opcode or a storage, that the
            exporter's files do not have; or a tensor reaches beyond its storage.
    """
    _, storages = pickled.read(data, known=lambda name: bool(_CLASS.fullmatch(name)))
    for storage in storages.values():
        if storage.device != "cpu" or storage.kind not in _ITEM_BYTES:
            raise PickleError(
                f"has a {storage.kind} for {storage.device}, which no file of the exporter's does"
            )
    return {
        record: _ITEM_BYTES[storage.kind] * storage.numbers for record, storage in storages.items()
    }
