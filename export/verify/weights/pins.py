"""Decides what vouches for the numbers in a .pt: a pinned digest, or nothing but a signature.

| Model Id of the weights | what must hold                                      | vouched for by |
|-------------------------|-----------------------------------------------------|----------------|
| of published weights    | a published checkpoint is named; the numbers have   | a pin, where   |
|                         | the digest that is pinned for resolution and        | there is one   |
|                         | precision, if one is                                |                |
| of our own stand-ins    | the numbers have a pinned digest                    | a pin          |
| any other               | the Model Id does not look like one of the above    | a signature    |
"""

import csv
import dataclasses
import json
from pathlib import Path

from export.verify.claims import Claims
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID, STAND_IN_MODEL_IDS

PINS_FILE = Path(__file__).with_name("weights_pins.tsv")
"""The pinned digests of weights; `//export/verify:pin_weights` prints its lines."""

PUBLISHED_FILE = Path(__file__).parents[3] / "third_party/checkpoints/pins.json"
"""The published checkpoint files, by digest: `//third_party/checkpoints:pins`."""
_MODEL_IDS = {
    "nikopueringer/CorridorKey_v1.0": MODEL_ID,
    "nikopueringer/CorridorKeyBlue_1.0": BLUE_MODEL_ID,
}
"""Model Ids of published weights, by the repository that publishes them."""

_RESERVED = ("corridorkey_v", "corridorkeyblue", "corridorkey_untrained", "corridorkey_demo")
"""Beginnings of Model Ids that other weights must not have, in lower case."""


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


def read_published() -> dict[str, set[str]]:
    """Returns the digests of the published checkpoint files, by the Model Id of their weights."""
    published: dict[str, set[str]] = {model_id: set() for model_id in _MODEL_IDS.values()}
    for sha256, source in json.loads(PUBLISHED_FILE.read_text()).items():
        if source["repository"] in _MODEL_IDS:
            published[_MODEL_IDS[source["repository"]]].add(sha256)
    return published


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
    weights_id = claims.weights_id
    published = read_published()
    known = weights_id in published or weights_id in STAND_IN_MODEL_IDS
    if not known and weights_id.lower().startswith(_RESERVED):
        raise WeightsError(
            f"the Model Id {claims.model_id} looks like one of this repository's, and is not; "
            "export custom weights under a Model Id of their own"
        )
    if weights_id in published and claims.checkpoint["sha256"] not in published[weights_id]:
        raise WeightsError(
            f"the Model Id names the published weights, but the checkpoint "
            f"{claims.checkpoint['sha256']} was never published; export custom weights under a "
            "Model Id of their own"
        )
    candidates = [
        pin
        for pin in pins
        if pin.checkpoint_sha256 == claims.checkpoint["sha256"]
        and (pin.resolution, pin.precision) == (claims.variant.resolution, claims.variant.precision)
    ]
    for pin in candidates:
        if (pin.checkpoint_bytes, pin.weights_id) != (claims.checkpoint["bytes"], weights_id):
            raise WeightsError(
                f"the manifest names a checkpoint of {pin.weights_id}, {pin.checkpoint_bytes:,} "
                f"bytes, as {weights_id}, {claims.checkpoint['bytes']:,} bytes"
            )
        if pin.weights_sha256 != weights_sha256:
            raise WeightsError(
                f"the numbers are not those of the checkpoint {pin.checkpoint_sha256}: their "
                f"digest is {weights_sha256}, and {pin.weights_sha256} is pinned"
            )
    if not candidates and weights_id in STAND_IN_MODEL_IDS:
        raise WeightsError(
            f"no {weights_id} weights from the checkpoint {claims.checkpoint['sha256']} are pinned "
            f"at {claims.variant.resolution} in {claims.variant.precision}; see "
            "//export/verify:pin_weights"
        )
    return bool(candidates)
