"""Checks the kit in your Nuke: keys a synthetic plate, compares pixels, moves every knob.

    Nuke15.1 --gpu 0 -t smoke_test.py --output verdict.json

The verdict is a JSON file with the version of Nuke, the GPU, the times and every comparison. The
exit status is 0 only if all of them hold. Make the .cat files with create_cat.py first.

Any working key must give the answers in kit.json. A .cat of CorridorKey_demo.pt, named with --cat,
must also give the pixels in known_answers.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

# Nuke's documentation gives a script its path in sys.argv.
sys.path.insert(0, str(Path(globals().get("__file__", sys.argv[0])).resolve().parent))

import corridorkey_v1_nuke as kit


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="smoke_test.py", description="Checks the kit in Nuke.")
    parser.add_argument("--output", type=Path, required=True, help="the JSON verdict to write")
    parser.add_argument(
        "--cat", type=Path, help="the .cat to test; default: those that the node chooses"
    )
    options = parser.parse_args()
    try:
        verdict = _verdict(kit.this_nuke(), options.cat)
        options.output.write_text(json.dumps(verdict, indent=2) + "\n", encoding="utf-8")
    except (kit.KitError, OSError) as error:
        print(f"smoke_test.py: error: {error}", file=sys.stderr)
        return 1
    print(f"{'Passed' if verdict['passed'] else 'FAILED'}: see {options.output}")
    return 0 if verdict["passed"] else 1


def _verdict(nuke: Any, cat: Path | None) -> dict[str, Any]:
    known = kit.settings()
    test = known["smoke_test"]
    nuke.root().knob("format").fromScript(test["format"])
    key = kit.Key(nuke, _picture(nuke, test["plate"]), _picture(nuke, test["hint"]), cat)
    verdict: dict[str, Any] = {
        "kit": known["kit"],
        "nuke": nuke.NUKE_VERSION_STRING,
        "gpu": key.gpu(),
        "model_file": key.model_file(),
        "model_id": kit.model_id(key.model_file()),
    }
    try:
        if not verdict["model_file"]:
            raise RuntimeError("the .cat is not on the plug-in path. Make it with create_cat.py")
        start = time.monotonic()
        _samples(key)
        verdict["seconds_first_frame"] = round(time.monotonic() - start, 3)
        verdict["answers"] = [_compare(key, answer) for answer in test["answers"]]
        verdict["known_answers"] = _known_answers(nuke, cat, verdict["model_id"])
        knobs = _model_knobs(known)
        verdict["knobs"] = [_move(key, knob, knobs) for knob in knobs]
        # A file that was named is the same in every quality.
        qualities = () if cat else known["qualities"]
        verdict["qualities"] = [_quality(key, quality) for quality in qualities]
    except RuntimeError as error:  # Nuke reports a node's error when the node is sampled
        verdict["error"] = str(error)
    parts = ("answers", "known_answers", "knobs", "qualities")
    checks = [check for part in parts for check in verdict.get(part, ()) if "passed" in check]
    verdict["passed"] = "error" not in verdict and all(check["passed"] for check in checks)
    return verdict


def _picture(nuke: Any, expressions: dict[str, str]) -> Any:
    """Returns an Expression node over a Constant of the root format."""
    constant = nuke.createNode("Constant")
    node = nuke.createNode("Expression")
    node.setInput(0, constant)
    for name, text in expressions.items():
        node[name].setValue(text)
    return node


def _samples(key: kit.Key) -> list[float]:
    samples = kit.settings()["smoke_test"]["samples"]
    return [key.node.sample(sample["channel"], *sample["at"]) for sample in samples]


def _compare(key: kit.Key, answer: dict[str, Any]) -> dict[str, Any]:
    found = key.node.sample(answer["channel"], *answer["at"])
    passed = answer["minimum"] <= found <= answer["maximum"]
    return {**answer, "found": found, "passed": passed}


def _known_answers(nuke: Any, cat: Path | None, model_id: str) -> list[dict[str, Any]]:
    """Keys the plate of known_answers.json and compares its pixels, if the model is the table's."""
    table = kit.known_answers()
    if model_id != table["model_id"]:
        return [{"skipped": f"the answers are those of {table['model_id']}, not of {model_id}"}]
    plate, hint = (_read(nuke, f"known_answers_{name}.png") for name in ("plate", "hint"))
    key = kit.Key(nuke, plate, hint, cat)
    for name, value in (
        ("working_space", "sRGB (display)"),
        ("hint_from", "red"),
        ("linear_output", "straight"),
    ):
        key.set(name, value)
    return [_compare_pixel(key, pixel, table["tolerance"]) for pixel in table["pixels"]]


def _read(nuke: Any, name: str) -> Any:
    """Returns a Read of a picture in the kit, on raw data."""
    node = nuke.createNode("Read")
    node["file"].setValue((kit.FOLDER / name).as_posix())
    node["raw"].setValue(True)
    return node


def _compare_pixel(key: kit.Key, pixel: dict[str, Any], tolerance: float) -> dict[str, Any]:
    x, y = pixel["nuke_xy"]
    red, green, blue, matte = (
        key.node.sample(f"rgba.{channel}", x + 0.5, y + 0.5)
        for channel in ("red", "green", "blue", "alpha")
    )
    found = [*map(_srgb, (red, green, blue)), matte]
    expected = [*pixel["foreground_srgb"], pixel["matte"]]
    errors = [abs(a - b) for a, b in zip(found, expected)]  # noqa: B905 (Python 3.7)
    return {
        "what": pixel["name"],
        "nuke_xy": pixel["nuke_xy"],
        "expected": expected,
        "found": [round(value, 4) for value in found],
        "passed": max(errors) <= tolerance,
    }


def _srgb(linear: float) -> float:
    """Returns the sRGB encoding of a linear value: the gizmo's output is linear."""
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


def _model_knobs(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the knobs of the model that the node shows."""
    return [knob for knob in known["knobs"] if knob["name"] not in known["set_by_gizmo"]]


def _move(key: kit.Key, knob: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, Any]:
    """Moves a knob to its other end; some sample must change.

    Where it changes nothing alone, another knob is moved first: Despill Mode does nothing while
    Despill Strength is 0. A knob that changes nothing on this plate is skipped.
    """
    if knob["name"] in kit.settings()["smoke_test"]["not_seen"]:
        return {
            "knob": knob["name"],
            "skipped": kit.settings()["smoke_test"]["not_seen"][knob["name"]],
        }
    smallest = kit.settings()["smoke_test"]["smallest_change"]
    result: dict[str, Any] = {"knob": knob["name"], "value": _other_end(knob)}
    change = 0.0
    for other in (None, *others):
        if other is knob:
            continue
        if other:
            key.set(other["name"], _other_end(other))
            result["with"] = other["name"]
        before = _samples(key)
        key.set(knob["name"], _other_end(knob))
        after = _samples(key)
        key.set(knob["name"], _default(knob))
        if other:
            key.set(other["name"], _default(other))
        change = max(abs(a - b) for a, b in zip(after, before))  # noqa: B905 (Python 3.7)
        if change >= smallest:
            break
    else:
        result.pop("with", None)
    return {**result, "change": change, "passed": change >= smallest}


def _other_end(knob: dict[str, Any]) -> Any:
    """Returns the end of the range that is not the default: of an enumeration, the label."""
    end = knob["maximum"] if knob["default"] != knob["maximum"] else knob["minimum"]
    return knob["labels"][end] if knob["labels"] else end


def _default(knob: dict[str, Any]) -> Any:
    return knob["labels"][knob["default"]] if knob["labels"] else knob["default"]


def _quality(key: kit.Key, quality: str) -> dict[str, Any]:
    """Keys a frame in one quality, if its .cat exists."""
    key.set("quality", quality)
    result: dict[str, Any] = {"quality": quality}
    if key.model_file():
        start = time.monotonic()
        answers = kit.settings()["smoke_test"]["answers"]
        result["answers"] = [_compare(key, answer) for answer in answers]
        result["seconds"] = round(time.monotonic() - start, 3)
        result["passed"] = all(answer["passed"] for answer in result["answers"])
    else:
        result["skipped"] = "no .cat"
    return result


if __name__ == "__main__":
    sys.exit(main())
