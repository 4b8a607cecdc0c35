"""exr_passes.nk: the key, rendered once into an EXR with layers.

rgba is premultiplied, FG is the straight foreground and matte is the matte; all are linear.
"""

from export.nuke.model import KIT_NUKE
from export.nuke.scripts import footage
from export.nuke.scripts.nk_file import Node, script

LAYERS = {"FG": ("red", "green", "blue"), "matte": ("alpha",)}


def nodes() -> list[Node]:
    """Returns the graph."""
    channels = [(layer, channel) for layer, names in LAYERS.items() for channel in names]
    copied = {
        f"{end}{i}": f"{'rgba' if end == 'from' else layer}.{channel}"
        for i, (layer, channel) in enumerate(channels)
        for end in ("from", "to")
    }
    # The other layers of the plate are removed, or "all" would write them as well.
    kept = {"channels": "rgba"} | {f"channels{i}": layer for i, layer in enumerate(LAYERS, 2)}
    return [
        footage.read("plate", at=(0, 0)),
        footage.read_hint(at=(1, 0)),
        footage.key(at=(0, 1), linear_output="straight"),
        Node("Premult", "Premult1", (footage.KEY,), at=(1, 2)),
        Node("Copy", "Layers", ("Premult1", footage.KEY), {**copied, "bbox": "B"}, at=(0, 3)),
        Node("Remove", "OnlyTheKey", ("Layers",), {"operation": "keep", **kept}, at=(0, 4)),
        Node("Viewer", "Viewer1", ("OnlyTheKey",), at=(1, 5)),
        footage.write("key", "OnlyTheKey", at=(0, 5), channels="all"),
    ]


def text() -> str:
    """Returns the content of the file."""
    return script(nodes(), KIT_NUKE, layers=LAYERS)
