"""What files call themselves, by the weights they are made from. Needs no torch."""

MODEL_ID = "CorridorKey_v1.0_Nuke"
"""What a file made from the published green-screen weights calls itself."""

BLUE_MODEL_ID = "CorridorKeyBlue_1.0_Nuke"
"""What a file made from the published blue-screen weights calls itself."""

UNTRAINED_MODEL_ID = "CorridorKey_untrained"
"""What a file made from stand-in weights calls itself, and what their metadata says."""

DEMO_MODEL_ID = "CorridorKey_demo"
"""Model Id of a file made from the demo weights, which are written by hand."""
