import pytest

from export.artifact.variant import Variant
from wrapper.model_ids import BLUE_MODEL_ID, MODEL_ID, UNTRAINED_MODEL_ID


@pytest.mark.parametrize(
    ("weights", "variant", "model_id"),
    [
        (MODEL_ID, Variant(), "CorridorKey_v1.0_Nuke"),
        (MODEL_ID, Variant(resolution=1024), "CorridorKey_v1.0_Nuke_1024"),
        (MODEL_ID, Variant(precision="float16"), "CorridorKey_v1.0_Nuke_float16"),
        (MODEL_ID, Variant(precision="fast"), "CorridorKey_v1.0_Nuke_fast"),
        (MODEL_ID, Variant(runtime="nuke14"), "CorridorKey_v1.0_Nuke_nuke14"),
        (BLUE_MODEL_ID, Variant(), "CorridorKeyBlue_1.0_Nuke"),
        (UNTRAINED_MODEL_ID, Variant(), "CorridorKey_untrained"),
        (
            UNTRAINED_MODEL_ID,
            Variant(512, "float16", "nuke14"),
            "CorridorKey_untrained_512_float16_nuke14",
        ),
    ],
)
def test_model_id_names_each_field_that_differs_from_the_default(
    weights: str, variant: Variant, model_id: str
) -> None:
    assert variant.model_id(weights) == model_id
