"""Describes the weights in a .pt, and digests all of them as one number."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping

NUMPY_DTYPES: Mapping[str, str] = {"float32": "<f4", "float16": "<f2", "int64": "<i8"}
"""numpy's names of the dtypes that weights are stored in, by torch's name."""


@dataclasses.dataclass(frozen=True)
class TensorForm:
    """Everything about a stored weight but its numbers.

    Attributes:
        name: Key in the checkpoint.
        dtype: Key of `NUMPY_DTYPES`.
        shape: Size of each dimension.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


def digest_of_all(digests: Iterable[tuple[TensorForm, str]]) -> str:
    r"""Returns one SHA-256 for all weights of a file, in any order.

    It is the digest of one line per tensor, sorted by name: `NAME DTYPE 1x2x3 SHA256\n`, where
    SHA256 is that of the tensor's numbers as the file stores them, contiguous and little-endian.

    Args:
        digests: Each tensor, with the SHA-256 of its numbers in hexadecimal.
    """
    lines = sorted(
        f"{form.name} {form.dtype} {'x'.join(map(str, form.shape))} {digest}\n"
        for form, digest in digests
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
