"""Keys a shot without a window, for a render farm.

    Nuke15.1 --gpu 0 -t key_shot.py --plate plate.####.exr --hint hint.####.exr \
        --output key/key.####.exr --frames=1001-1100 --require-gpu

Nuke takes a last argument that is a range for itself, so write --frames=1001-1100 with the equals
sign. The hint is read as raw data. The frames are EXR with the metadata of the key.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

# Nuke's documentation gives a script its path in sys.argv.
sys.path.insert(0, str(Path(globals().get("__file__", sys.argv[0])).resolve().parent))

import corridorkey_v1_nuke as kit


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="key_shot.py", description="Keys a shot.")
    parser.add_argument("--plate", required=True, help="the plate: a sequence such as a.####.exr")
    parser.add_argument("--hint", required=True, help="the hint, a sequence")
    parser.add_argument("--output", required=True, help="the EXR sequence to write")
    parser.add_argument("--frames", required=True, type=_frames, help="FIRST-LAST or FRAME")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_assignment,
        metavar="KNOB=VALUE",
        help="set a knob of the node, such as quality=1024; may be repeated",
    )
    parser.add_argument(
        "--require-gpu",
        action="store_true",
        help="stop if Nuke has no GPU, instead of rendering on the CPU",
    )
    options = parser.parse_args()
    try:
        nuke = kit.this_nuke()
        first, last = options.frames
        plate = _read(nuke, options.plate, first, last)
        hint = _read(nuke, options.hint, first, last)
        hint["raw"].setValue(True)
        key = kit.Key(nuke, plate, hint)
        for name, value in options.set:
            key.set(name, value)
        # A .cat that vanishes during the render must not give frames of stripes.
        key.set("missing_model", "fail the render")
        _check(key, options.require_gpu)
        nuke.execute(_write(nuke, key.node, options.output), first, last)
    except (kit.KitError, RuntimeError, OSError) as error:
        print(f"key_shot.py: error: {error}", file=sys.stderr)
        return 1
    print(f"Keyed frames {first} to {last} with {key.model_file()} on {key.gpu()}.")
    return 0


def _frames(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is not FIRST-LAST, such as 1001-1100")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise argparse.ArgumentTypeError(f"{text!r} ends before it starts")
    return first, last


def _assignment(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not KNOB=VALUE")
    if value in ("true", "false"):
        return name, value == "true"
    try:
        # Entries of quality are text that looks like a number.
        return name, value if name == "quality" else float(value)
    except ValueError:
        return name, value


def _read(nuke: Any, file: str, first: int, last: int) -> Any:
    node = nuke.createNode("Read")
    node["file"].setValue(Path(file).as_posix())
    for name, frame in ("first", first), ("origfirst", first), ("last", last), ("origlast", last):
        node[name].setValue(frame)
    return node


def _check(key: kit.Key, require_gpu: bool) -> None:
    if not key.model_file():
        raise kit.KitError(
            "the .cat for these knobs and this Nuke is not on the plug-in path. Make it with "
            "create_cat.py"
        )
    if require_gpu and key.gpu() == "Not available":
        raise kit.KitError(
            "Nuke has no GPU: its Local GPU is Not available. Start it with --gpu, or leave out "
            "--require-gpu to render on the CPU"
        )


def _write(nuke: Any, key: Any, file: str) -> Any:
    node = nuke.createNode("Write")
    node.setInput(0, key)
    node["file"].setValue(Path(file).as_posix())
    node["file_type"].setValue("exr")
    node["channels"].setValue("rgba")
    node["metadata"].setValue("all metadata")
    node["create_directories"].setValue(True)
    return node


if __name__ == "__main__":
    sys.exit(main())
