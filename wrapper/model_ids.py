"""Model Ids: the names that files give themselves, by their weights. Imports no torch."""

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


def screen_of(model_id: str) -> int:
    """Returns the color of the screens that weights were made for, as a value of `screen_color`.

    Args:
        model_id: Model Id of a file. It contains "blue", in any case, for blue-screen weights.

    Returns:
        1 for green, 2 for blue.
    """
    return 2 if "blue" in model_id.lower() else 1
