"""Judges the reports that probe.py wrote for every artifact in each libtorch of Nuke."""

import json
import os
from pathlib import Path

import pytest

from wrapper.knobs import KNOBS

LIBTORCHES = ("1.13.1", "2.1.1", "2.7.1")
REPORTS = {
    report["torch"]: report["artifacts"]
    for report in (json.loads(Path(path).read_text()) for path in os.environ["REPORTS"].split())
}

TOLERANCES = {"nuke17": 1e-4, "nuke14": 1e-4, "fast": 1e-4, "float16": 5e-3}
"""Greatest difference from the published pipeline in float32; the output is 0 to 1. The order of
sums makes 4e-6, and 1e-4 leaves room for other CPUs. In the last every weight is rounded to 11
bits. On a CPU the fast file computes in float32."""

REFUSED = {("nuke17", "1.13.1"), ("fast", "1.13.1"), ("float16", "1.13.1")}
"""Artifacts with fused attention in a libtorch without it."""

EVERY_PAIR = [(artifact, libtorch) for artifact in TOLERANCES for libtorch in LIBTORCHES]


@pytest.mark.parametrize("pair", EVERY_PAIR, ids="-in-".join)
def test_artifact_in_libtorch(pair: tuple[str, str]) -> None:
    artifact, libtorch = pair
    found = REPORTS[libtorch][artifact]
    if pair in REFUSED:
        assert found == {"error": "Unknown builtin op: aten::scaled_dot_product_attention."}
        return
    assert "error" not in found
    assert set(found["moved_by"]) == {knob.name for knob in KNOBS}
    # A dead knob changes nothing; a live one moves some pixel by more than 1/255.
    assert min(found["moved_by"].values()) > 1 / 255
    assert found["difference"] <= TOLERANCES[artifact]


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        "",
        "| artifact | torch | loads | knobs live | greatest difference |",
        "|---|---|---|---|---|",
    ]
    for artifact, libtorch in EVERY_PAIR:
        found = REPORTS[libtorch][artifact]
        if "error" in found:
            rows.append(f"| {artifact} | {libtorch} | no: {found['error']} | | |")
        else:
            live = sum(moved > 1 / 255 for moved in found["moved_by"].values())
            rows.append(
                f"| {artifact} | {libtorch} | yes | {live} of {len(KNOBS)} "
                f"| {found['difference']:.1e} |"
            )
    with capsys.disabled():
        print("\n".join(rows))
