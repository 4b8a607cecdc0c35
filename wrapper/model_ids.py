"""Model Ids: the names that files give themselves, by their weights. Imports no torch.

| weights                    | Model Id of the weights                                           |
|----------------------------|-------------------------------------------------------------------|
| published, by their digest | MODEL_ID or BLUE_MODEL_ID                                         |
| untrained, demo            | as their metadata names them                                      |
| any others                 | CorridorKey_custom_ and eight digits of the file's SHA-256, or a  |
|                            | name that the user gives, which looks like none of the others     |
"""

import re
from collections.abc import Mapping

MODEL_ID = "CorridorKey_v1.0_Nuke"
"""Model Id of a file made from the published green-screen weights."""

BLUE_MODEL_ID = "CorridorKeyBlue_1.0_Nuke"
"""Model Id of a file made from the published blue-screen weights."""

UNTRAINED_MODEL_ID = "CorridorKey_untrained"
"""Model Id of a file made from random stand-in weights; their metadata holds it too."""

DEMO_MODEL_ID = "CorridorKey_demo"
"""Model Id of a file made from the demo weights, written by hand; their metadata holds it too."""

DEMO_BLUE_MODEL_ID = "CorridorKey_demo_blue"
"""Model Id of a file made from the demo weights for blue screens."""

STAND_IN_MODEL_IDS = (UNTRAINED_MODEL_ID, DEMO_MODEL_ID, DEMO_BLUE_MODEL_ID)
"""Model Ids of the weights that replace trained ones where those are out of reach."""

PUBLISHED: Mapping[str, Mapping[str, int | None]] = {
    MODEL_ID: {
        "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b": 398_849_256,
        "a03827f58e8c79b2ca26031bf67c77db5390dc1718c1ffc5b7aed8b57315788f": None,
    },
    BLUE_MODEL_ID: {
        "43bc5f6a08a9e5effe5d633d0d84bb0aff91037b35ab85d16cd812b38c5cac23": 398_849_256,
    },
}
"""Size of each published checkpoint file, in bytes, by its SHA-256, as third_party/checkpoints pins
them. None where the size is not known."""

_CUSTOM = "CorridorKey_custom_"
_RESERVED = re.compile("corridorkey|^custom")
"""Words that a name of the user's must not have, as `is_reserved` reads it."""
_LOOK_ALIKES = str.maketrans("0135l7", "oiesit")
_OWN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}")


class ModelIdError(ValueError):
    """Weights must not have this Model Id; the message says why and what to do."""


def weights_model_id(sha256: str, metadata: str | None) -> str:
    """Returns the Model Id of weights that the user has not named.

    Args:
        sha256: SHA-256 of the checkpoint file.
        metadata: Model Id in the file's metadata, which counts for stand-in weights only.
    """
    if metadata in STAND_IN_MODEL_IDS:
        return str(metadata)
    published = [model_id for model_id, digests in PUBLISHED.items() if sha256 in digests]
    return published[0] if published else custom_model_id(sha256)


def custom_model_id(sha256: str) -> str:
    """Returns the Model Id of weights that are neither published nor a stand-in, nor named."""
    return f"{_CUSTOM}{sha256[:8]}"


def is_reserved(model_id: str) -> bool:
    """Returns whether a Model Id looks like one that only this repository gives."""
    # Only letters count, and digits that look like one: C0rridor-Key_V1 is too like CorridorKey_v1.
    letters = re.sub(r"[^a-z0-9]", "", model_id.lower()).translate(_LOOK_ALIKES)
    return _RESERVED.search(letters) is not None


def is_own(model_id: str) -> bool:
    """Returns whether a Model Id has the form of a name that the user gives."""
    return _OWN.fullmatch(model_id) is not None


def check_own_model_id(model_id: str, weights: str) -> None:
    """Checks a name that the user gives to weights.

    Args:
        model_id: The name.
        weights: Model Id that the weights have without it.

    Raises:
        ModelIdError: The name is not one, belongs to other weights, or the weights are published or
            a stand-in, which keep their Model Id.
    """
    if model_id == weights:
        return
    if not is_own(model_id):
        raise ModelIdError(
            f"{model_id[:100]!r} is not a Model Id; expected a letter or digit, then at most 63 "
            "letters, digits and . _ + -"
        )
    if weights in PUBLISHED or weights in STAND_IN_MODEL_IDS:
        raise ModelIdError(
            f"the weights are those of {weights} and keep that Model Id; {model_id} is for weights "
            "of one's own. Leave --model-id out"
        )
    if is_reserved(model_id):
        raise ModelIdError(
            f"{model_id} looks like the Model Id of other weights; expected a name that does not "
            "contain corridorkey nor begin with custom, whatever its case, punctuation and digits "
            "in place of letters"
        )


def screen_of(model_id: str) -> int:
    """Returns the color of the screens that weights were made for, as a value of `screen_color`.

    Args:
        model_id: Model Id of a file. That of blue-screen weights contains "blue", in any case; so
            must the name that a user gives to weights for blue screens.

    Returns:
        1 for green, 2 for blue.
    """
    return 2 if "blue" in model_id.lower() else 1
