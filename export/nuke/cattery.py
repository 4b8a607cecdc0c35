"""cat.json: what Nuke's Cattery menu shows, and from which version of Nuke on."""

import json

from export.nuke.model import KIT_NUKE, NAME


def text() -> str:
    """The file."""
    content = {
        "minimum_nuke_version_required": float(KIT_NUKE.split()[0]),
        "version": 1,
        "category": "Segmentation",
        "description": "Green-screen and blue-screen keyer: from a plate and a rough hint matte to "
        "a foreground without the screen and a matte.",
        "cats": [{"filepath": f"{NAME}.gizmo", "name": NAME, "icon": f"{NAME}.png"}],
    }
    return json.dumps(content, indent=2) + "\n"
