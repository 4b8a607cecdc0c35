"""Checks the kit in your Nuke: keys a synthetic plate, compares pixels, moves every knob.

    Nuke15.1 --gpu 0 -t smoke_test.py --output verdict.json

The verdict is a JSON file with the version of Nuke, the GPU, the times and every comparison. The
exit status is 0 only if all of them hold. Make the .cat files with create_cat.py first.
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
    options = parser.parse_args()
    try:
        verdict = _verdict(kit.this_nuke())
        options.output.write_text(json.dumps(verdict, indent=2) + "\n", encoding="utf-8")
    except (kit.KitError, OSError) as error:
        print(f"smoke_test.py: error: {error}", file=sys.stderr)
        return 1
    print(f"{'Passed' if verdict['passed'] else 'FAILED'}: see {options.output}")
    return 0 if verdict["passed"] else 1


def _verdict(nuke: Any) -> dict[str, Any]:
    known = kit.settings()
    test = known["smoke_test"]
    nuke.root().knob("format").fromScript(test["format"])
    key = kit.Key(nuke, _picture(nuke, test["plate"]), _picture(nuke, test["hint"]))
    verdict: dict[str, Any] = {
        "kit": known["kit"],
        "nuke": nuke.NUKE_VERSION_STRING,
        "gpu": key.gpu(),
        "model_file": key.model_file(),
    }
    try:
        if not verdict["model_file"]:
            raise RuntimeError("the .cat is not on the plug-in path. Make it with create_cat.py")
        start = time.monotonic()
        before = _samples(key, test)
        verdict["seconds_first_frame"] = round(time.monotonic() - start, 3)
        verdict["answers"] = [_compare(key, answer) for answer in test["answers"]]
        verdict["knobs"] = [_move(key, knob, before) for knob in _model_knobs(known)]
        verdict["qualities"] = [_quality(key, quality) for quality in known["qualities"]]
    except RuntimeError as error:  # Nuke reports a node's error when the node is sampled
        verdict["error"] = str(error)
    checks = [*verdict.get("answers", ()), *verdict.get("knobs", ()), *verdict.get("qualities", ())]
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


def _samples(key: kit.Key, test: dict[str, Any]) -> list[float]:
    return [key.node.sample(sample["channel"], *sample["at"]) for sample in test["samples"]]


def _compare(key: kit.Key, answer: dict[str, Any]) -> dict[str, Any]:
    found = key.node.sample(answer["channel"], *answer["at"])
    passed = answer["minimum"] <= found <= answer["maximum"]
    return {**answer, "found": found, "passed": passed}


def _model_knobs(known: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the knobs of the model that the node shows."""
    return [knob for knob in known["knobs"] if knob["name"] not in known["set_by_gizmo"]]


def _move(key: kit.Key, knob: dict[str, Any], before: list[float]) -> dict[str, Any]:
    """Moves a knob to the bound that is not its default; some sample must change.

    A knob that changes nothing on this plate is skipped.
    """
    known = kit.settings()
    if knob["name"] in known["smoke_test"]["not_seen"]:
        skipped = known["smoke_test"]["not_seen"][knob["name"]]
        return {"knob": knob["name"], "passed": True, "skipped": skipped}
    bound = knob["maximum"] if knob["default"] != knob["maximum"] else knob["minimum"]
    value = knob["labels"][bound] if knob["labels"] else bound
    default = knob["labels"][knob["default"]] if knob["labels"] else knob["default"]
    if knob["name"] == known["screen_knob"]:
        default = knob["labels"][1]  # the node has no Trained: the color picks the weights
    result: dict[str, Any] = {"knob": knob["name"], "value": value}
    key.set(knob["name"], value)
    if knob["name"] == known["screen_knob"] and not key.model_file():
        result.update(passed=True, skipped="no .cat for these weights")
    else:
        after = _samples(key, known["smoke_test"])
        change = max(abs(a - b) for a, b in zip(after, before))  # noqa: B905 (Python 3.7)
        result.update(change=change, passed=change >= known["smoke_test"]["smallest_change"])
    key.set(knob["name"], default)
    return result


def _quality(key: kit.Key, quality: str) -> dict[str, Any]:
    """Keys a frame in one quality, if its .cat exists."""
    key.set("quality", quality)
    result: dict[str, Any] = {"quality": quality, "passed": True}
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
