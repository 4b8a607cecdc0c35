"""Facts about a CorridorKey.pt that Nuke needs, apart from its knobs. Imports no torch.

`testing/export/nuke/contract_test.py` compares them with `export.artifact.runtimes`.
"""

NAME = "CorridorKey"
CHANNELS = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
"""Channels of the input (plate and hint) and of the output (straight sRGB foreground and matte)."""
OUTPUT_SCALE = 1

OLDEST_NUKE = {"nuke17": (15, 1), "nuke14": (14, 0)}
"""The oldest version of Nuke that loads a file, by the runtime in the file's manifest."""
KIT_NUKE = "14.0 v1"
"""The oldest version of Nuke that the kit itself works in."""
