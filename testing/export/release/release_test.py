"""A release that Bazel built: layout, schemas, digests, and that nothing in it tells of a machine.

BUILD.bazel names its folder, its tar and the Nuke kit in the environment.
"""

import json
import os
import subprocess
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator

from export.common import sha256sums
from export.common.digests import digest
from export.release import provenance

FOLDER = Path(os.environ["RELEASE_FOLDER"])
TAR = Path(os.environ["RELEASE_TAR"])
NUKE_KIT = Path(os.environ["NUKE_KIT"])
NAME = "CorridorKey-1.2.3-untrained"
ARTIFACTS = ("float16_artifact_test", "nuke14_artifact_test")
FILES = sorted(
    [
        *(f"{name}.{suffix}" for name in ARTIFACTS for suffix in ("json", "pt")),
        *(f"nuke/{path.relative_to(NUKE_KIT)}" for path in NUKE_KIT.rglob("*") if path.is_file()),
        "LICENSE-CorridorKey.txt",
        "SHA256SUMS",
        "manifest.json",
        "manifest.schema.json",
        "provenance.json",
        "sbom.cdx.json",
    ]
)


def load(name: str) -> Any:
    """A JSON file of the release."""
    return json.loads((FOLDER / name).read_text())


def test_layout() -> None:
    assert FOLDER.name == NAME
    assert TAR.name == f"{NAME}.tar"
    files = (path for path in FOLDER.rglob("*") if path.is_file())
    assert sorted(str(path.relative_to(FOLDER)) for path in files) == FILES
    assert "nuke/guide.html" in FILES


def test_tar_is_the_folder_and_tells_of_no_machine() -> None:
    with tarfile.open(TAR) as tar:
        top, *members = tar.getmembers()
    assert (top.name, top.isdir(), top.mode) == (NAME, True, 0o755)
    files = [member.name for member in members if not member.isdir()]
    assert files == [f"{NAME}/{file}" for file in FILES]
    for member in members:
        assert member.mode == (0o755 if member.isdir() else 0o644)
    for member in (top, *members):
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mtime == 946684800  # 2000-01-01T00:00:00Z, as rules_pkg would have it
    assert sha256sums.check(TAR) == sha256sums.check(FOLDER)


def test_sha256sum_accepts_the_list() -> None:
    result = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.count(": OK\n") == len(FILES) - 1


def test_manifest_fits_the_schema_beside_it() -> None:
    schema = load("manifest.schema.json")
    Draft202012Validator.check_schema(schema)
    manifest = load("manifest.json")
    Draft202012Validator(schema).validate(manifest)
    # And the schema can say no: each thing that it demands, taken away.
    for key in manifest:
        rest = {name: value for name, value in manifest.items() if name != key}
        assert not Draft202012Validator(schema).is_valid(rest)


def test_manifest_says_of_each_artefact_what_its_own_does() -> None:
    manifest = load("manifest.json")
    assert (manifest["name"], manifest["version"]) == (NAME, "1.2.3")
    described = {artifact.pop("file"): artifact for artifact in manifest["artifacts"]}
    assert sorted(described) == [f"{name}.pt" for name in ARTIFACTS]
    for name in ARTIFACTS:
        own = load(f"{name}.json")
        assert own.pop("torchscript") == digest(FOLDER / f"{name}.pt")
        weights = own.pop("checkpoint") | {"untrained": True, "published": None}
        assert described[f"{name}.pt"] == own | {"weights": weights, "manifest": f"{name}.json"}


def test_manifest_lists_every_file_that_was_there() -> None:
    listed = {file.pop("path"): file for file in load("manifest.json")["files"]}
    assert listed == {
        name: digest(FOLDER / name)
        for name in FILES
        if name not in ("SHA256SUMS", "manifest.json", "provenance.json")
    }


def test_bill_of_materials_is_cyclonedx_and_complete() -> None:
    text = (FOLDER / "sbom.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = json.loads(text)
    assert Counter(item["bom-ref"].partition("/")[0] for item in bom["components"]) == {
        "pkg:pypi": 46,
        "pkg:bazel": 6,
        "pkg:generic": 1,  # CPython
        "float16_artifact_test.pt": 1,
        "nuke14_artifact_test.pt": 1,
        f"weights:{load('manifest.json')['artifacts'][0]['weights']['sha256']}": 1,
    }
    wheels = [item for item in bom["components"] if item["bom-ref"].startswith("pkg:pypi/")]
    for wheel in wheels:
        assert wheel["version"]
        assert wheel["hashes"]
        assert wheel["licenses"]
    assert {"torch", "timm", "torchvision", "numpy", "safetensors"} <= {w["name"] for w in wheels}
    assert "timestamp" not in bom["metadata"]


def test_provenance_vouches_for_every_file_and_names_no_time() -> None:
    text = (FOLDER / "provenance.json").read_bytes()
    expected = sha256sums.check(FOLDER)
    del expected["provenance.json"]
    assert provenance.subjects(text) == expected

    statement = json.loads(text)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    build = statement["predicate"]["buildDefinition"]
    assert build["externalParameters"] == {
        "target": "//testing/export/release:release",
        "version": "1.2.3",
        "artifacts": {
            "float16_artifact_test.pt": "CorridorKey_untrained_256_float16",
            "nuke14_artifact_test.pt": "CorridorKey_untrained_256_nuke14",
        },
    }
    weights = load("manifest.json")["artifacts"][0]["weights"]["sha256"]
    assert [item["name"] for item in build["resolvedDependencies"]] == [
        "weights",
        "MODULE.bazel",
        "requirements_lock.txt",
    ]
    assert build["resolvedDependencies"][0]["digest"] == {"sha256": weights}
    assert "metadata" not in statement["predicate"]["runDetails"]


def test_notice_has_the_address_and_where_the_licence_is() -> None:
    notice = (FOLDER / "LICENSE-CorridorKey.txt").read_text()
    assert "contact@corridordigital.com" in notice
    assert "https://github.com/nikopueringer/CorridorKey/blob/main/LICENSE" in notice
