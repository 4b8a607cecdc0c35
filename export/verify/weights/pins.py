"""Decides what vouches for the numbers in a .pt: a pinned digest, or nothing but a signature.

| Model Id of the weights | what must hold                                      | vouched for by |
|-------------------------|-----------------------------------------------------|----------------|
| of published weights    | a published checkpoint is named, with its size; the | a pin, or a    |
|                         | numbers have the digest that is pinned for          | signature if   |
|                         | resolution and precision, if anything is for the Id | none is there  |
| of our own stand-ins    | the numbers have a pinned digest                    | a pin          |
| CorridorKey_custom_...  | the rest are the first eight digits of the SHA-256  | a signature    |
|                         | of the checkpoint that is named                     |                |
| any other               | the Model Id does not look like one of the above,   | a signature    |
|                         | and no published checkpoint is named                |                |

Numbers that are pinned for one Model Id are refused under any other.
"""

import csv
import dataclasses
from pathlib import Path

from export.verify.claims import Claims
from wrapper.model_ids import PUBLISHED, STAND_IN_MODEL_IDS, custom_model_id, is_own, is_reserved

PINS_FILE = Path(__file__).with_name("weights_pins.tsv")
"""The pinned digests of weights; `//export/verify:pin_weights` prints its lines."""


class WeightsError(ValueError):
    """The weights are not those that the Model Id names; the message says why."""


@dataclasses.dataclass(frozen=True)
class Pin:
    """Weights whose numbers are known.

    Attributes:
        checkpoint_sha256: Digest of the checkpoint file.
        checkpoint_bytes: Size of the checkpoint file.
        weights_id: Model Id of the weights.
        resolution: Resolution that they were exported for.
        precision: Precision that they were stored in.
        weights_sha256: `export.verify.weights.tensors.digest_of_all` of the exported weights.
    """

    checkpoint_sha256: str
    checkpoint_bytes: int
    weights_id: str
    resolution: int
    precision: str
    weights_sha256: str


def read_pins(path: Path | None = None) -> list[Pin]:
    """Reads the table of pins: one line of tab-separated fields per pin, below a header."""
    with (path or PINS_FILE).open(newline="") as file:
        return [
            Pin(
                row["checkpoint_sha256"],
                int(row["checkpoint_bytes"]),
                row["weights_id"],
                int(row["resolution"]),
                row["precision"],
                row["weights_sha256"],
            )
            for row in csv.DictReader(file, delimiter="\t")
        ]


def is_pinned(claims: Claims, weights_sha256: str, pins: list[Pin]) -> bool:
    """Holds the numbers of a file to the weights that its Model Id names.

    Args:
        claims: What the file says about itself.
        weights_sha256: Digest of the weights in it.
        pins: Weights whose numbers are known.

    Returns:
        Whether a pin vouches for the numbers. If not, only a signature can.

    Raises:
        WeightsError: The weights are certainly not those that the Model Id names.
    """
    weights_id, sha256 = claims.weights_id, claims.checkpoint["sha256"]
    known = weights_id in PUBLISHED or weights_id in STAND_IN_MODEL_IDS
    own = is_own(weights_id) and not is_reserved(weights_id)
    if not known and not own and weights_id != custom_model_id(sha256):
        raise WeightsError(
            f"the Model Id {claims.model_id} is neither one of this repository's nor a name that "
            "the exporter accepts; export custom weights under a Model Id of their own"
        )
    if weights_id in PUBLISHED and sha256 not in PUBLISHED[weights_id]:
        raise WeightsError(
            f"the Model Id names the published weights, but the checkpoint {sha256} was never "
            "published; export custom weights under a Model Id of their own"
        )
    for published, digests in PUBLISHED.items():
        if sha256 in digests and weights_id != published:
            raise WeightsError(
                f"the manifest names a published checkpoint of {published}, as {weights_id}; the "
                "exporter keeps the published Model Id"
            )
    for pin in pins:
        if pin.weights_sha256 == weights_sha256 and pin.weights_id != weights_id:
            raise WeightsError(f"the numbers are those of {pin.weights_id}, not of {weights_id}")
    size = PUBLISHED.get(weights_id, {}).get(sha256)
    if size is not None and claims.checkpoint["bytes"] != size:
        raise WeightsError(
            f"the manifest states {claims.checkpoint['bytes']:,} bytes for the checkpoint "
            f"{sha256}; the published file has {size:,}"
        )
    # A checkpoint has one Model Id and one size, whatever it is exported for.
    of_checkpoint = [pin for pin in pins if pin.checkpoint_sha256 == sha256]
    for pin in of_checkpoint:
        if (pin.checkpoint_bytes, pin.weights_id) != (claims.checkpoint["bytes"], weights_id):
            raise WeightsError(
                f"the manifest names a checkpoint of {pin.weights_id}, {pin.checkpoint_bytes:,} "
                f"bytes, as {weights_id}, {claims.checkpoint['bytes']:,} bytes"
            )
    form = (claims.variant.resolution, claims.variant.stored)
    candidates = [pin for pin in of_checkpoint if (pin.resolution, pin.precision) == form]
    for pin in candidates:
        if pin.weights_sha256 != weights_sha256:
            raise WeightsError(
                f"the numbers are not those of the checkpoint {pin.checkpoint_sha256}: their "
                f"digest is {weights_sha256}, and {pin.weights_sha256} is pinned"
            )
    if not candidates and weights_id in {*STAND_IN_MODEL_IDS, *(pin.weights_id for pin in pins)}:
        raise WeightsError(
            f"no {weights_id} weights from the checkpoint {sha256} are pinned "
            f"at {claims.variant.resolution} in {claims.variant.stored}; see "
            "//export/verify:pin_weights"
        )
    return bool(candidates)
