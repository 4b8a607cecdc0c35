"""A release that Bazel built: layout, schemas and digests, and no trace of the machine.

BUILD.bazel names its folder, its tar and the Nuke kit in the environment.
"""

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft202012Validator

from export.common import sha256sums
from export.common.digests import digest
from export.release.canonical_tar import check_canonical
from export.release.signature.statement import check_statement

FOLDER = Path(os.environ["RELEASE_FOLDER"])
TAR = Path(os.environ["RELEASE_TAR"])
NUKE_KIT = Path(os.environ["NUKE_KIT"])
NAME = "CorridorKey-1.2.3-untrained"
ARTIFACTS = ("float16_artifact_test", "nuke14_artifact_test")
FILES = sorted(
    [
        *(f"{name}.{suffix}" for name in ARTIFACTS for suffix in ("json", "pt")),
        *(f"nuke/{path.relative_to(NUKE_KIT)}" for path in NUKE_KIT.rglob("*") if path.is_file()),
        "CHANGELOG.md",
        "LICENSE-CorridorKey.txt",
        "SHA256SUMS",
        "manifest.json",
        "manifest.schema.json",
        "provenance.json",
        "sbom.cdx.json",
    ]
)


def load(name: str) -> Any:
    """Returns the content of a JSON file of the release."""
    return json.loads((FOLDER / name).read_text())


def test_layout() -> None:
    assert FOLDER.name == NAME
    assert TAR.name == f"{NAME}.tar"
    files = (path for path in FOLDER.rglob("*") if path.is_file())
    assert sorted(str(path.relative_to(FOLDER)) for path in files) == FILES
    assert "nuke/guide.html" in FILES


def test_tar_is_the_canonical_one_of_the_folder() -> None:
    with tarfile.open(TAR) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == [f"{NAME}/{file}" for file in FILES]
    for member in members:
        assert member.isreg()
        assert (member.mode, member.mtime) == (0o644, 0)
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
    digests = check_canonical(TAR)
    del digests["SHA256SUMS"]
    assert digests == sha256sums.check(FOLDER)


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
    # The schema refuses a manifest without any one of its fields.
    for key in manifest:
        rest = {name: value for name, value in manifest.items() if name != key}
        assert not Draft202012Validator(schema).is_valid(rest)


def test_manifest_repeats_each_artifact_s_own() -> None:
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
    kinds: dict[str, set[str]] = {}
    for item in bom["components"]:
        kinds.setdefault(item["bom-ref"].partition("/")[0], set()).add(item["name"])
        if item["bom-ref"].startswith("pkg:pypi/"):
            assert item["version"]
            assert item["hashes"]
            assert item["licenses"]
    assert {"torch", "timm", "torchvision", "numpy", "safetensors"} <= kinds.pop("pkg:pypi")
    assert {"corridorkey_nuke", "rules_python"} <= kinds.pop("pkg:bazel")
    assert kinds == {
        "pkg:generic": {"CPython"},
        "float16_artifact_test.pt": {"float16_artifact_test.pt"},
        "nuke14_artifact_test.pt": {"nuke14_artifact_test.pt"},
        f"weights:{load('manifest.json')['artifacts'][0]['weights']['sha256']}": {
            "untrained weights"
        },
    }
    assert "timestamp" not in bom["metadata"]


def test_provenance_vouches_for_every_file_and_names_no_time() -> None:
    text = (FOLDER / "provenance.json").read_bytes()
    expected = sha256sums.check(FOLDER)
    del expected["provenance.json"]
    check_statement(text, expected)

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


def test_notice_names_the_address_and_the_license() -> None:
    notice = (FOLDER / "LICENSE-CorridorKey.txt").read_text()
    assert "contact@corridordigital.com" in notice
    assert "https://github.com/nikopueringer/CorridorKey/blob/main/LICENSE" in notice
