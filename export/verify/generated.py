"""Makes the file that the exporter would write for what a .pt claims to be."""

import contextlib
import dataclasses
import zipfile
from pathlib import Path

from export.artifact.artifact_manifest import NAME_IN_ARCHIVE
from export.artifact.canonical import FOLDER
from export.verify.children import confined
from export.verify.children.confined import Limits
from export.verify.claims import MAXIMUM_BYTES, Claims
from export.verify.weights.tensors import TensorForm

# At 2048 in float32 the child was seen to take 2.5 GB and 10 s, on an idle machine.
_LIMITS = Limits(memory=6 << 30, seconds=900, file_bytes=MAXIMUM_BYTES)


@dataclasses.dataclass(frozen=True)
class Generated:
    """A file of the exporter's, with placeholders for the numbers of its weights.

    Attributes:
        path: The file.
        weights: The weights, by the name of their record.
        operators: Operators that the file uses.
    """

    path: Path
    weights: dict[str, TensorForm]
    operators: list[str]

    def manifest(self) -> bytes:
        """Returns the record with the manifest."""
        with zipfile.ZipFile(self.path) as file:
            return file.read(f"{FOLDER}/extra/{NAME_IN_ARCHIVE}")


def generate(claims: Claims, folder: Path) -> Generated:
    """Exports the claimed variant in a child process that does not know the untrusted file.

    Args:
        claims: What to make. Only values that passed the claims' grammar get here.
        folder: An empty folder that nobody else can write to.

    Raises:
        ChildError: The child fails: too little memory or time.
        OSError: The disk is too small.
    """
    path = folder / "generated.pt"
    request = {
        "output": str(path),
        "weights_id": claims.weights_id,
        "variant": dataclasses.asdict(claims.variant),
        "checkpoint": claims.checkpoint,
    }
    limits = dataclasses.replace(_LIMITS, writable=folder)
    with contextlib.closing(
        confined.run("export.verify.children.generate", request, limits)
    ) as reports:
        _, result = reports
    weights = {
        record: TensorForm(name, dtype, tuple(shape))
        for record, (name, dtype, shape) in result["weights"].items()
    }
    return Generated(path, weights, result["operators"])
