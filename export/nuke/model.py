"""What Nuke must know of a CorridorKey.pt, its knobs aside. Imports no torch.

`testing/export/nuke/contract_test.py` holds it to `export.artifact.runtimes`.
"""

NAME = "CorridorKey"
CHANNELS = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
"""In: plate and hint. Out: straight sRGB foreground and linear matte."""
OUTPUT_SCALE = 1

OLDEST_NUKE = {"nuke17": (15, 1), "nuke14": (14, 0)}
"""By runtime, the oldest version that loads such a file, and so the one to make its .cat in: a .cat
opens in the version it was made in and in later ones."""
KIT_NUKE = "14.0 v1"
"""The oldest version of Nuke that the kit itself is for."""
