"""A built artefact does what its checkpoint does eagerly, on a 1920×1080 plate, with live knobs.

BUILD.bazel names the files in the environment: one such test for each artefact. The figures are in
the test's test.xml.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path

import torch

from export.manifest import NAME_IN_ARCHIVE, digest
from export.steps import Steps
from export.tracing import eager_wrapper
from export.validation import validate
from wrapper.checkpoint import UNTRAINED_MODEL_ID, load_checkpoint

ARTIFACT = Path(os.environ["ARTIFACT"])
CHECKPOINT = Path(os.environ["CHECKPOINT"])
MANIFEST = json.loads(Path(os.environ["MANIFEST"]).read_text())


def test_artefact_keys_a_plate_as_its_checkpoint_does(
    record_property: Callable[[str, object], None],
) -> None:
    eager = eager_wrapper(load_checkpoint(CHECKPOINT, MANIFEST["resolution"]))
    steps = Steps()
    record_property("validation", validate(ARTIFACT, eager, steps))
    record_property("steps", steps.done)


def test_artefact_is_the_one_in_its_manifest_and_says_it_is_untrained() -> None:
    inside = {NAME_IN_ARCHIVE: ""}
    module = torch.jit.load(ARTIFACT, _extra_files=inside)
    assert MANIFEST.pop("torchscript") == digest(ARTIFACT)
    assert json.loads(inside[NAME_IN_ARCHIVE]) == MANIFEST
    assert module.model_id == MANIFEST["model_id"] == UNTRAINED_MODEL_ID
    assert module.resolution == MANIFEST["resolution"]
