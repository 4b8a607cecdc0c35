"""Makes a .cat for Nuke's Inference node out of a CorridorKey.pt, with CatFileCreator.

    Nuke15.1 --nukex -i --safe create_cat.py --pt CorridorKey.pt --cat CorridorKey.cat

It runs in Nuke's own Python, 3.7 to 3.11, and takes a NukeX licence. With --dry-run it only says
what it would do, in any Python, with no Nuke.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

SETTINGS: dict[str, Any] = {}

_MANIFEST = "/extra/corridorkey.json"


class CatError(Exception):
    """Why no .cat can be made, and what to do."""


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="create_cat.py",
        description="Makes a .cat for Nuke's Inference node out of a CorridorKey.pt.",
    )
    parser.add_argument("--pt", type=Path, required=True, help="the CorridorKey.pt to wrap")
    parser.add_argument("--cat", type=Path, required=True, help="the .cat to write")
    parser.add_argument("--overwrite", action="store_true", help="replace a .cat that is there")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, no more")
    options = parser.parse_args()
    try:
        pt, cat = options.pt.resolve(), options.cat.resolve()
        manifest = _manifest(pt)
        _check_knobs(pt, manifest)
        _check_output(cat, options.overwrite)
        if options.dry_run:
            _show(_fields(pt, cat, manifest), manifest)
        else:
            _create(pt, cat, manifest)
    except (CatError, OSError) as error:
        print(f"create_cat.py: error: {error}", file=sys.stderr)
        return 1
    return 0


def _manifest(pt: Path) -> dict[str, Any]:
    """What the .pt says of itself."""
    if not pt.is_file():
        raise CatError(f"no such file: {pt}")
    try:
        with zipfile.ZipFile(str(pt)) as archive:
            for name in archive.namelist():
                if name.endswith(_MANIFEST):
                    return json.loads(archive.read(name).decode())
    except (zipfile.BadZipFile, ValueError) as error:
        raise CatError(f"{pt} is damaged: {error}") from error
    raise CatError(f"{pt} has no manifest: it was not made by //export:corridorkey_pt")


def _check_knobs(pt: Path, manifest: dict[str, Any]) -> None:
    """The .pt has just the knobs that this script sets, or some would be dead."""
    words = ("label", "tooltip")  # which the file leaves out
    ours = {
        knob["name"]: {key: value for key, value in knob.items() if key not in words}
        for knob in SETTINGS["knobs"]
    }
    theirs = {knob["name"]: knob for knob in manifest["knobs"]}
    differing = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if differing:
        raise CatError(
            f"{pt} has other knobs than this script: {', '.join(differing)}. Use the script of the "
            "release that the file is from"
        )


def _check_output(cat: Path, overwrite: bool) -> None:
    if cat.suffix != ".cat":
        raise CatError(f"--cat must end in .cat: {cat}")
    if not cat.parent.is_dir():
        raise CatError(f"no such folder: {cat.parent}")
    if cat.exists() and not overwrite:
        raise CatError(f"{cat} is there already; --overwrite replaces it")


def _fields(pt: Path, cat: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Values of CatFileCreator's own knobs."""
    return {
        "torchScriptFile": pt.as_posix(),
        "catFile": cat.as_posix(),
        "channelsIn": SETTINGS["channels"],
        "channelsOut": SETTINGS["channels"],
        "modelId": manifest["model_id"],
        "outputScale": SETTINGS["output_scale"],
    }


def _oldest_nuke(manifest: dict[str, Any]) -> tuple[int, int]:
    """The oldest version of Nuke that loads the .pt."""
    major, minor = SETTINGS["oldest_nuke"][manifest["runtime"]]
    return major, minor


def _default(knob: dict[str, Any]) -> Any:
    """As its knob in Nuke takes it: an enumeration's by its label."""
    return knob["labels"][knob["default"]] if knob["labels"] else knob["default"]


def _show(fields: dict[str, Any], manifest: dict[str, Any]) -> None:
    major, minor = _oldest_nuke(manifest)
    print(f"CatFileCreator, in Nuke {major}.{minor} or later:")
    for name, value in fields.items():
        print(f"  {name:17} {value}")
    for knob in SETTINGS["knobs"]:
        values = ", ".join(knob["labels"]) or "{minimum:g} to {maximum:g}".format(**knob)
        print(f"  {knob['name']:17} {_default(knob)} ({values})")
    print("Dry run: nothing is written.")


def _create(pt: Path, cat: Path, manifest: dict[str, Any]) -> None:
    """Makes the .cat aside, and puts it in its place once it is whole."""
    try:
        import nuke
    except ImportError as error:
        raise CatError("this Python is not Nuke's: run it in NukeX, or with --dry-run") from error
    version = nuke.NUKE_VERSION_MAJOR, nuke.NUKE_VERSION_MINOR
    if version < _oldest_nuke(manifest):
        raise CatError(
            "{} is for Nuke {}.{} and later, and this is Nuke {}.{}. Take the file made for it, "
            "CorridorKey_nuke14.pt".format(pt.name, *_oldest_nuke(manifest) + version)
        )
    try:
        node = nuke.createNode("CatFileCreator")
    except RuntimeError as error:
        raise CatError(f"no CatFileCreator here ({error}): start Nuke with --nukex") from error

    with tempfile.TemporaryDirectory(prefix=".corridorkey.", dir=str(cat.parent)) as folder:
        partial = Path(folder, cat.name)
        for name, value in _fields(pt, partial, manifest).items():
            node[name].setValue(value)
        for knob in SETTINGS["knobs"]:
            node.addKnob(_added_knob(nuke, knob))
        node.knob("createCatFile").execute()
        if not partial.is_file() or not partial.stat().st_size:
            raise CatError("CatFileCreator wrote no file; what it says of that is above")
        partial.replace(cat)
    print(f"Wrote {cat}: {manifest['model_id']}, {cat.stat().st_size:,} bytes.")
    print("It opens in Nuke {}.{} and later, not in older versions.".format(*version))


def _added_knob(nuke: Any, knob: dict[str, Any]) -> Any:
    """The knob that drives the attribute of this name. Its default wins over the attribute's."""
    if knob["labels"]:
        added = nuke.Enumeration_Knob(knob["name"], knob["label"], knob["labels"])
    else:
        added = nuke.Double_Knob(knob["name"], knob["label"])
        added.setRange(knob["minimum"], knob["maximum"])
    added.setTooltip(knob["tooltip"])
    added.setValue(_default(knob))
    return added


if __name__ == "__main__":
    sys.exit(main())
