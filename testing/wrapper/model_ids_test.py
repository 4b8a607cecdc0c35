"""Model Ids name the weights: no others can have the Id of the published ones or of a stand-in."""

import json
import os
import re
from pathlib import Path

import pytest

from wrapper.model_ids import (
    BLUE_MODEL_ID,
    DEMO_MODEL_ID,
    MODEL_ID,
    PUBLISHED,
    UNTRAINED_MODEL_ID,
    ModelIdError,
    check_own_model_id,
    weights_model_id,
)

OTHER = "0123456789abcdef" * 4
CUSTOM = "CorridorKey_custom_01234567"


@pytest.mark.parametrize(
    ("sha256", "metadata", "model_id"),
    [
        *(
            (sha256, None, model_id)
            for model_id, digests in PUBLISHED.items()
            for sha256 in digests
        ),
        (OTHER, None, CUSTOM),
        (OTHER, "", CUSTOM),
        (OTHER, MODEL_ID, CUSTOM),
        (OTHER, "CorridorKey_untrained2", CUSTOM),
        (OTHER, UNTRAINED_MODEL_ID, UNTRAINED_MODEL_ID),
        (OTHER, DEMO_MODEL_ID, DEMO_MODEL_ID),
    ],
)
def test_model_id_of_weights(sha256: str, metadata: str | None, model_id: str) -> None:
    assert weights_model_id(sha256, metadata) == model_id


def test_every_published_digest_belongs_to_one_id() -> None:
    assert PUBLISHED.keys() == {MODEL_ID, BLUE_MODEL_ID}
    digests = [digest for each in PUBLISHED.values() for digest in each]
    assert len(set(digests)) == len(digests) == 3
    pins = json.loads(Path(os.environ["PINS"]).read_text())
    assert {digest: size for each in PUBLISHED.values() for digest, size in each.items()} == {
        digest: pin["bytes"] for digest, pin in pins.items()
    }


@pytest.mark.parametrize(
    "name", ["Studio_show_42", "a", "7", "v1.0+x-y", "Show_custom_1", "Key2", "x" * 64]
)
def test_name_of_ones_own(name: str) -> None:
    check_own_model_id(name, CUSTOM)


@pytest.mark.parametrize("weights", [MODEL_ID, BLUE_MODEL_ID, UNTRAINED_MODEL_ID, CUSTOM])
def test_the_id_that_weights_have_anyway(weights: str) -> None:
    check_own_model_id(weights, weights)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        *(
            (name, CUSTOM, "is not a Model Id; expected a letter or digit, then at most 63")
            for name in (
                "",
                " a",
                "a b",
                "_a",
                "-a",
                "a/b",
                "../a",
                "\x1b[2J",
                "a\n",
                "\xfc",
                "x" * 65,
            )
        ),
        *(
            (name, CUSTOM, "looks like the Model Id of other weights")
            for name in (
                *(MODEL_ID, BLUE_MODEL_ID, UNTRAINED_MODEL_ID, DEMO_MODEL_ID),
                *("CORRIDORKEY_V9", "CorridorKey_v1.0_Nuke_512", "corridorkeyblue", CUSTOM[:-1]),
                *("CorridorKey", "CorridorKey2", "C0rridorKey_v1.0_Nuke", "CorridorKey_Nuke_v1.0"),
                *("My-C0rr1dor.K3y", "custom_74d614f7", "Cu5tom_74d614f7"),
            )
        ),
        *(
            ("Studio_show_42", weights, f"are those of {weights} and keep that Model Id")
            for weights in (MODEL_ID, BLUE_MODEL_ID, UNTRAINED_MODEL_ID, DEMO_MODEL_ID)
        ),
        (MODEL_ID, BLUE_MODEL_ID, f"are those of {BLUE_MODEL_ID}"),
    ],
)
def test_name_that_weights_must_not_have(name: str, weights: str, message: str) -> None:
    with pytest.raises(ModelIdError, match=re.escape(message)) as caught:
        check_own_model_id(name, weights)
    assert str(caught.value).isprintable()
