"""Random changes of a genuine .pt and tar: each is refused, in bounded memory and time.

`tools/bazel test --test_env=FAULTS_DEPTH=10 ...` tries ten times as many. By default the files are
small ones; genuine_mutation_test in BUILD.bazel names files of the real exporter.
"""

import collections
import json
import os
import random
import shutil
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from export.release.canonical_tar import read_members
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature.statement import PROVENANCE
from export.verify import artifact_check, papers_check
from export.verify.claims import Claims
from export.verify.generated import Generated, generate
from testing.depth import DEPTH
from testing.export.verify.command import refusal, verify
from testing.export.verify.mutations import mutate_artifact, mutate_json, mutate_tar
from testing.export.verify.small_artifact import SmallExporter
from testing.export.verify.small_release import (
    mend,
    small_checkout,
    write_small_release,
    write_tar,
)

_MUTATIONS = int(os.environ.get("MUTATIONS", 200 * DEPTH))
_SECONDS = 20
_BYTES = 64 << 20
"""Most memory that a refusal may take in this process, whatever a mutated field claims."""

_ARTIFACT = os.environ.get("ARTIFACT")
_RELEASE_TAR = os.environ.get("RELEASE_TAR")


def _refuse_all(
    path: Path,
    mutate: Callable[[Path, bytes, random.Random], str],
    record: Callable[[str, object], None],
) -> None:
    """Verifies changed files, and holds each refusal to the bounds."""
    dice = random.Random(15)
    original = path.read_bytes()
    made: collections.Counter[str] = collections.Counter()
    refused: collections.Counter[str] = collections.Counter()
    slowest, largest = 0.0, 0
    for number in range(_MUTATIONS):
        kind = mutate(path, original, dice)
        description = f"{number}: {kind}"
        if path.read_bytes() == original:
            refused["(unchanged)"] += 1
            continue
        tracemalloc.start()
        start = time.monotonic()
        try:
            check, detail = refusal(verify(path, "--no-probe"))
            slowest = max(slowest, time.monotonic() - start)
            largest = max(largest, tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert detail, description
        assert slowest < _SECONDS, description
        assert largest < _BYTES, description
        made[kind] += 1
        refused[check] += 1
    bounds = f"at most {slowest:.1f} s, {largest / 1e6:.1f} MB each"
    figures = f"made {dict(made)}; refused by {dict(refused)}; {bounds}"
    record(path.name, figures)
    print(f"{path.name}: {figures}")


@pytest.fixture(scope="session")
def remembered(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Claims, Path], Generated]:
    """The real `generate`, which makes the file of the same claims only once."""
    known: dict[str, Generated] = {}

    def generate_once(claims: Claims, _folder: Path) -> Generated:
        key = repr((claims.weights_id, claims.variant, claims.checkpoint))
        if key not in known:
            known[key] = generate(claims, tmp_path_factory.mktemp("generated"))
        return known[key]

    return generate_once


@pytest.fixture
def artifact(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A genuine .pt that a test may harm."""
    if not _ARTIFACT:
        path: Path = request.getfixturevalue("path")
        return path
    monkeypatch.setattr(artifact_check, "generate", request.getfixturevalue("remembered"))
    return Path(shutil.copyfile(_ARTIFACT, tmp_path / "CorridorKey.pt"))


@pytest.fixture
def tar(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tar of a genuine release."""
    if _RELEASE_TAR:
        monkeypatch.setattr(artifact_check, "generate", request.getfixturevalue("remembered"))
        return Path(shutil.copyfile(_RELEASE_TAR, tmp_path / Path(_RELEASE_TAR).name))
    exporter: SmallExporter = request.getfixturevalue("exporter")
    folder = tmp_path / "made"
    folder.mkdir()
    release = write_small_release(exporter, folder)
    monkeypatch.setattr(papers_check, "_CHECKOUT", small_checkout(folder))
    return Path(shutil.move(write_tar(release), tmp_path))


def test_changed_artifacts_are_refused(
    artifact: Path,
    witness: Path,
    children: list[list[str]],
    record_property: Callable[[str, object], None],
) -> None:
    del witness  # that it is untouched is checked at the end
    assert verify(artifact, "--no-probe")["word"] == "CONSISTENT"
    children.clear()
    _refuse_all(artifact, mutate_artifact, record_property)
    assert all("children.probe" not in argument for child in children for argument in child)


def test_changed_tars_are_refused(
    tar: Path, witness: Path, record_property: Callable[[str, object], None]
) -> None:
    del witness
    verdict = verify(tar, "--no-probe")
    assert verdict["word"] == "CONSISTENT", verdict["verdict"]
    members = [name for name, content in read_members(tar) if list(content) is not None]
    assert len(members) > 10
    _refuse_all(tar, mutate_tar, record_property)


def test_changed_papers_are_refused(
    exporter: SmallExporter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, witness: Path
) -> None:
    """The JSON of a release is changed, and every other paper mended."""
    del witness
    release = write_small_release(exporter, tmp_path)
    monkeypatch.setattr(papers_check, "_CHECKOUT", small_checkout(tmp_path))
    dice = random.Random(15)
    papers = {
        name: (release / name).read_bytes()
        for name in (MANIFEST, PROVENANCE, SBOM, "CorridorKey.json")
    }
    for number in range(_MUTATIONS):
        name = dice.choice(list(papers))
        changed = mutate_json(json.loads(papers[name]), dice)
        text = json.dumps(changed, indent=2, sort_keys=name == PROVENANCE) + "\n"
        (release / name).write_text(text)
        if text.encode() != papers[name]:
            mend(release, name)
            _, detail = refusal(verify(release, "--no-probe"))
            assert "\x1b" not in detail, f"{number}: {name}"
        for paper, original in papers.items():
            (release / paper).write_bytes(original)
    mend(release)
    assert verify(release, "--no-probe")["word"] == "CONSISTENT"
