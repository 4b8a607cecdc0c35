"""Makes the .cat of a CorridorKey.pt with CatFileCreator.

    Nuke15.1 --nukex -t create_cat.py --pt CorridorKey.pt

Without --cat the file goes where the gizmo looks for it. Beside the .cat it writes a .json that
says what is in it. A NukeX license is needed. With --dry-run it prints what it would set, in any
Python and without Nuke.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

# Nuke's documentation gives a script its path in sys.argv.
sys.path.insert(0, str(Path(globals().get("__file__", sys.argv[0])).resolve().parent))

import corridorkey_v1_nuke as kit


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="create_cat.py", description="Makes the .cat of a CorridorKey.pt."
    )
    parser.add_argument("--pt", type=Path, required=True, help="the CorridorKey.pt to wrap")
    parser.add_argument("--cat", type=Path, help="the .cat to write; default: for the gizmo")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing .cat")
    parser.add_argument("--dry-run", action="store_true", help="print the settings, write nothing")
    options = parser.parse_args()
    try:
        pt = options.pt.resolve()
        manifest = kit.read_manifest(pt)
        _check_knobs(pt, manifest)
        nuke = None if options.dry_run else kit.this_nuke()
        entry = kit.libtorch(manifest, _version(nuke, manifest))
        cat = options.cat.resolve() if options.cat else kit.cat_path(manifest, entry["number"])
        _check_output(cat, options.overwrite)
        if nuke is None:
            _print_settings(_fields(pt, cat, manifest), entry)
        else:
            _create(nuke, pt, cat, manifest)
    except (kit.KitError, OSError) as error:
        print(f"create_cat.py: error: {error}", file=sys.stderr)
        return 1
    return 0


def _version(nuke: Any, manifest: dict[str, Any]) -> tuple[int, int]:
    """Returns the version of this Nuke; without Nuke, the oldest one that loads the file."""
    if nuke is not None:
        return nuke.NUKE_VERSION_MAJOR, nuke.NUKE_VERSION_MINOR
    for entry in kit.settings()["libtorches"]:
        if entry["runtime"] == manifest["runtime"]:
            major, minor = entry["oldest"]
            return major, minor
    return 0, 0


def _check_knobs(pt: Path, manifest: dict[str, Any]) -> None:
    """Checks that the .pt has exactly the knobs that this kit sets; others would be dead."""
    words = ("label", "tooltip")  # the manifest leaves out the texts for people
    ours = {
        knob["name"]: {key: value for key, value in knob.items() if key not in words}
        for knob in kit.settings()["knobs"]
    }
    theirs = {knob["name"]: knob for knob in manifest["knobs"]}
    differing = [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
    if differing:
        raise kit.KitError(
            f"{pt} and this kit differ in the knobs {', '.join(differing)}. Use the kit of the "
            "release that the file is from"
        )


def _check_output(cat: Path, overwrite: bool) -> None:
    if cat.suffix != ".cat":
        raise kit.KitError(f"{cat} does not end in .cat. Name a .cat with --cat")
    if not cat.parent.is_dir():
        raise kit.KitError(f"no such folder: {cat.parent}")
    if cat.exists() and not overwrite:
        raise kit.KitError(f"{cat} exists already. Replace it with --overwrite")


def _fields(pt: Path, cat: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Returns the values of CatFileCreator's own knobs."""
    known = kit.settings()
    return {
        "torchScriptFile": pt.as_posix(),
        "catFile": cat.as_posix(),
        "channelsIn": known["channels"],
        "channelsOut": known["channels"],
        "modelId": manifest["model_id"],
        "outputScale": known["output_scale"],
    }


def _default(knob: dict[str, Any]) -> Any:
    """Returns the default as the knob takes it: an enumeration by its label."""
    return knob["labels"][knob["default"]] if knob["labels"] else knob["default"]


def _print_settings(fields: dict[str, Any], entry: dict[str, Any]) -> None:
    print("CatFileCreator, in Nuke {}.{} to {}.{}:".format(*entry["oldest"], *entry["newest"]))
    for name, value in fields.items():
        print(f"  {name:17} {value}")
    for knob in kit.settings()["knobs"]:
        values = ", ".join(knob["labels"]) or "{minimum:g} to {maximum:g}".format(**knob)
        print(f"  {knob['name']:17} {_default(knob)} ({values})")
    print("Dry run: nothing was written.")


def _create(nuke: Any, pt: Path, cat: Path, manifest: dict[str, Any]) -> None:
    """Makes the .cat in a hidden folder and moves it into place once it is complete."""
    before = nuke.allNodes("Inference")
    try:
        node = nuke.createNode("CatFileCreator")
    except RuntimeError as error:
        raise kit.KitError(f"no CatFileCreator ({error}). Start Nuke with --nukex") from error
    with tempfile.TemporaryDirectory(prefix=".corridorkey.", dir=str(cat.parent)) as folder:
        partial = Path(folder, cat.name)
        for name, value in _fields(pt, partial, manifest).items():
            node[name].setValue(value)
        for knob in kit.settings()["knobs"]:
            node.addKnob(_added_knob(nuke, knob))
        node.knob("createCatFile").execute()
        # The button also makes an Inference node, which keeps the file open; Windows would then
        # refuse to move it.
        for made in nuke.allNodes("Inference"):
            if made not in before:
                nuke.delete(made)
        nuke.delete(node)
        if not partial.is_file() or not partial.stat().st_size:
            raise kit.KitError("CatFileCreator wrote no file. Nuke's messages above say why")
        record = {
            "kit": kit.settings()["kit"],
            "nuke": nuke.NUKE_VERSION_STRING,
            "model_id": manifest["model_id"],
            "cat": kit.digest(partial),
            "pt": kit.digest(pt),
        }
        note = partial.with_suffix(".json")
        note.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        partial.replace(cat)
        note.replace(cat.with_suffix(".json"))
    print(f"Wrote {cat}: {manifest['model_id']}, {cat.stat().st_size:,} bytes.")


def _added_knob(nuke: Any, knob: dict[str, Any]) -> Any:
    """Returns the knob that drives the attribute of the same name. Its default wins."""
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
