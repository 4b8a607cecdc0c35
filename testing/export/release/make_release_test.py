"""Releases of small files: each property that a release has, and each reason to refuse one."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from export.release import make_release
from export.release.wheels import read_wheels

PUBLISHED = "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b"
PIN = {
    "repository": "nikopueringer/CorridorKey_v1.0",
    "revision": "f6386ddf042d8e92aeb5fd16cb9b101cff508195",
    "file": "CorridorKey_v1.0.safetensors",
}
LOCK = "".join(
    f"{name}==1.0 \\\n    --hash=sha256:{digest * 64} \\\n    --hash=sha256:{'0' * 64}\n"
    for name, digest in (("torch", "a"), ("typing-extensions", "b"))
)


class Workshop:
    """A folder with the inputs of a release.

    Attributes:
        folder: Path of the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "pins.json").write_text(json.dumps({PUBLISHED: PIN | {"bytes": 1}}))
        (folder / "lock.txt").write_text(LOCK)
        (folder / "MODULE.bazel").write_text(
            'module(\n    name = "corridorkey_nuke",\n    version = "0.1.0",\n)\n\n'
            'bazel_dep(name = "rules_python", version = "0.22.1")\n'
            'bazel_dep(name = "rules_go", version = "9", dev_dependency = True)\n'
        )
        self.wheels = [
            self.wheel("torch", "License: BSD-3-Clause", ["typing_extensions"]),
            self.wheel("typing_extensions", "License-Expression: PSF-2.0", []),
        ]
        self.artifacts: list[str] = []

    def wheel(self, name: str, license_: str, requires: list[str]) -> dict[str, Any]:
        """Writes a wheel's metadata; returns its entry of the listing."""
        metadata = self.folder / f"{name}-1.0.dist-info/METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{license_}\n")
        return {"metadata": str(metadata), "requires": requires}

    def artifact(self, name: str, model_id: str, checkpoint: str, resolution: int = 2048) -> None:
        """Adds an artifact and its manifest."""
        (self.folder / f"{name}.pt").write_text(name)
        facts = {
            "model_id": model_id,
            "checkpoint": {"sha256": checkpoint, "bytes": 1},
            "resolution": resolution,
            "precision": "float32",
            "runtime": "nuke17",
            "torch": "2.7.1",
            "timm": "1.0.31",
            "knobs": [],
            "operators": ["aten::add.Tensor"],
        }
        (self.folder / f"{name}.json").write_text(json.dumps(facts))
        for suffix in ("pt", "json"):
            self.artifacts.append(f"--artifact={self.folder / name}.{suffix}")

    def arguments(self, *more: str, output: str = "CorridorKey-1.0") -> list[str]:
        """Returns the command line."""
        (self.folder / "wheels.json").write_text(
            json.dumps({"wheels": self.wheels, "imported": ["torch"]})
        )
        return [
            *self.artifacts,
            "--version=1.0",
            "--target=//:release",
            "--builder-id=urn:test",
            f"--pins={self.folder / 'pins.json'}",
            f"--wheels={self.folder / 'wheels.json'}",
            f"--lock={self.folder / 'lock.txt'}",
            f"--module={self.folder / 'MODULE.bazel'}",
            f"--output={self.folder / output}",
            *more,
        ]

    def run(self, *more: str, **settings: str) -> Result:
        """Makes a release."""
        return CliRunner().invoke(make_release.main, self.arguments(*more, **settings))

    def json(self, name: str) -> Any:
        """Returns the content of a JSON file of the release."""
        return json.loads((self.folder / "CorridorKey-1.0" / name).read_text())


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_published_weights_are_named_by_repository_and_revision(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    assert workshop.run().exit_code == 0
    (artifact,) = workshop.json("manifest.json")["artifacts"]
    assert artifact["weights"] == {
        "sha256": PUBLISHED,
        "bytes": 1,
        "untrained": False,
        "published": PIN,
    }

    url = (
        "https://huggingface.co/nikopueringer/CorridorKey_v1.0/resolve/"
        "f6386ddf042d8e92aeb5fd16cb9b101cff508195/CorridorKey_v1.0.safetensors"
    )
    build = workshop.json("provenance.json")["predicate"]["buildDefinition"]
    weights = {"name": "weights", "uri": url, "digest": {"sha256": PUBLISHED}}
    assert weights in build["resolvedDependencies"]

    components = {item["bom-ref"]: item for item in workshop.json("sbom.cdx.json")["components"]}
    weights = components[f"weights:{PUBLISHED}"]
    assert weights["type"] == "machine-learning-model"
    assert weights["purl"].startswith("pkg:huggingface/nikopueringer/")
    assert weights["hashes"] == [{"alg": "SHA-256", "content": PUBLISHED}]
    assert weights["externalReferences"] == [{"type": "distribution", "url": url}]
    for component in (weights, components["CorridorKey.pt"]):
        assert component["licenses"][0]["license"]["name"] == "Corridor Key Licence, Version 1.0"


def test_weights_of_a_studio_s_own_have_no_repository(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", "1" * 64)
    assert workshop.run().exit_code == 0
    (artifact,) = workshop.json("manifest.json")["artifacts"]
    assert artifact["weights"]["published"] is None
    assert not artifact["weights"]["untrained"]


def test_two_artifacts_of_one_checkpoint_share_it(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    workshop.artifact("CorridorKey_nuke14", "CorridorKey_v1.0_Nuke_nuke14", PUBLISHED)
    workshop.artifact("CorridorKeyBlue", "CorridorKeyBlue_1.0_Nuke", "1" * 64)
    assert workshop.run().exit_code == 0
    models = [
        component["bom-ref"]
        for component in workshop.json("sbom.cdx.json")["components"]
        if component["type"] == "machine-learning-model"
    ]
    assert sorted(models) == [
        "CorridorKey.pt",
        "CorridorKeyBlue.pt",
        "CorridorKey_nuke14.pt",
        f"weights:{'1' * 64}",
        f"weights:{PUBLISHED}",
    ]


@pytest.mark.parametrize("more", [[], ["other/CorridorKey.pt", "other/CorridorKey.json"]])
def test_artifact_comes_once_and_with_its_manifest(more: list[str], workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    workshop.artifacts = [x for x in workshop.artifacts if more or x.endswith(".pt")]
    for name in more:
        (workshop.folder / name).parent.mkdir(exist_ok=True)
        (workshop.folder / name).touch()
        workshop.artifacts.append(f"--artifact={workshop.folder / name}")
    result = workshop.run()
    assert result.exit_code != 0
    assert "expected one .pt and one .json per artifact" in result.output


@pytest.mark.parametrize("name", ["manifest", "provenance", "sbom.cdx", "manifest.schema"])
def test_artifact_does_not_take_the_name_of_a_paper(name: str, workshop: Workshop) -> None:
    workshop.artifact(name, "CorridorKey_v1.0_Nuke", PUBLISHED)
    result = workshop.run()
    assert result.exit_code != 0
    assert f"{name}.json is a paper of the release" in result.output
    assert not (workshop.folder / "CorridorKey-1.0").exists()


def test_checkpoint_has_one_size(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    workshop.artifact("CorridorKey_512", "CorridorKey_v1.0_Nuke_512", PUBLISHED)
    manifest = workshop.folder / "CorridorKey_512.json"
    manifest.write_text(manifest.read_text().replace('"bytes": 1', '"bytes": 2'))
    result = workshop.run()
    assert result.exit_code != 0
    assert "CorridorKey_512.pt states 2 bytes for a checkpoint" in result.output


def test_untrained_weights_are_refused_unless_told(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    workshop.artifact("CorridorKey_512", "CorridorKey_untrained_512", "1" * 64)
    result = workshop.run()
    assert result.exit_code != 0
    assert "CorridorKey_512.pt is made from untrained weights" in result.output
    assert "--//export:allow_untrained_release" in result.output
    assert not (workshop.folder / "CorridorKey-1.0").exists()


def test_trained_weights_are_not_released_as_untrained(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    result = workshop.run("--untrained")
    assert result.exit_code != 0
    assert "CorridorKey.pt is made from trained weights" in result.output


def test_nuke_kit_is_in_its_folder_and_in_every_list(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    kit = workshop.folder / "kit"
    (kit / "gizmos").mkdir(parents=True)
    (kit / "gizmos/CorridorKey.gizmo").write_text("abc")
    assert workshop.run(f"--nuke-kit={kit}").exit_code == 0
    path = "nuke/gizmos/CorridorKey.gizmo"
    digest = hashlib.sha256(b"abc").hexdigest()
    assert {"path": path, "sha256": digest, "bytes": 3} in workshop.json("manifest.json")["files"]
    subjects = workshop.json("provenance.json")["subject"]
    assert {"name": path, "digest": {"sha256": digest}} in subjects
    sums = (workshop.folder / "CorridorKey-1.0/SHA256SUMS").read_text()
    assert f"{digest}  {path}\n" in sums


def test_bill_of_materials_has_the_wheels_and_who_uses_them(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    assert workshop.run().exit_code == 0
    bom = workshop.json("sbom.cdx.json")
    components = {component["bom-ref"]: component for component in bom["components"]}
    assert sorted(components) == [
        "CorridorKey.pt",
        "pkg:bazel/corridorkey_nuke@0.1.0",
        "pkg:bazel/rules_python@0.22.1",
        "pkg:generic/cpython@3.11",
        "pkg:pypi/torch@1.0",
        "pkg:pypi/typing-extensions@1.0",
        f"weights:{PUBLISHED}",
    ]
    torch = components["pkg:pypi/torch@1.0"]
    assert [item["content"] for item in torch["hashes"]] == ["0" * 64, "a" * 64]
    needs = {item["ref"]: item.get("dependsOn", []) for item in bom["dependencies"]}
    assert needs["pkg:bazel/corridorkey_nuke@0.1.0"] == [
        "pkg:bazel/rules_python@0.22.1",
        "pkg:generic/cpython@3.11",
        "pkg:pypi/torch@1.0",
    ]
    assert needs["pkg:pypi/torch@1.0"] == ["pkg:pypi/typing-extensions@1.0"]
    assert needs["CorridorKey.pt"] == ["pkg:bazel/corridorkey_nuke@0.1.0", f"weights:{PUBLISHED}"]


@pytest.mark.parametrize(
    ("metadata", "license_"),
    [
        ("License-Expression: MIT\nLicense: Apache-2.0", "MIT"),
        ("License: NVIDIA Proprietary Software", "NVIDIA Proprietary Software"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD License"),
        # The text of a license is not a name.
        (
            "License: one line\n    and two\nClassifier: License :: OSI Approved :: MIT License",
            "MIT",
        ),
    ],
)
def test_license_of_a_wheel(metadata: str, license_: str, workshop: Workshop) -> None:
    (workshop.folder / "lock.txt").write_text(f"one==1.0 \\\n    --hash=sha256:{'a' * 64}\n")
    workshop.wheels = [workshop.wheel("one", metadata, [])]
    workshop.arguments()
    folder = workshop.folder
    (wheel,), _ = read_wheels(folder / "wheels.json", folder / "lock.txt", folder)
    assert wheel.license == license_


@pytest.mark.parametrize(
    ("metadata", "lock", "message"),
    [
        ("Summary: none", "one==1.0", "the metadata of one state no license"),
        ("License: MIT", "one==1.1", "one: 1.0 is installed; the lock has 1.1"),
        ("License: MIT", "two==1.0", "one: 1.0 is installed; the lock has no version"),
    ],
)
def test_wheel_that_cannot_be_accounted_for_is_refused(
    metadata: str, lock: str, message: str, workshop: Workshop
) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    (workshop.folder / "lock.txt").write_text(f"{lock} \\\n    --hash=sha256:{'a' * 64}\n")
    workshop.wheels = [workshop.wheel("one", metadata, [])]
    result = workshop.run()
    assert result.exit_code != 0
    assert message in result.output


def test_manifest_that_does_not_fit_the_schema_is_refused(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED, resolution=2047)
    result = workshop.run()
    assert result.exit_code != 0
    assert "manifest.json: $.artifacts[0].resolution: 2047 is not a multiple" in result.output


def test_bill_of_materials_that_is_not_cyclonedx_is_refused(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", "not a digest")
    result = workshop.run()
    assert result.exit_code != 0
    assert "the bill of materials is not CycloneDX 1.6" in result.output


def test_same_inputs_give_the_same_bytes_under_other_settings(workshop: Workshop) -> None:
    workshop.artifact("CorridorKey", "CorridorKey_v1.0_Nuke", PUBLISHED)
    workshop.artifact("CorridorKey_nuke14", "CorridorKey_v1.0_Nuke_nuke14", PUBLISHED)
    made = []
    for place, seed, zone in (("one", "1", "UTC"), ("two", "2", "Asia/Tokyo")):
        output = f"{place}/CorridorKey-1.0"
        subprocess.run(
            [sys.executable, make_release.__file__, *workshop.arguments(output=output)],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONHASHSEED": seed,
                "TZ": zone,
            },
            check=True,
        )
        folder = workshop.folder / output
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
        workshop.artifacts.reverse()
    assert made[0] == made[1]
    assert len(made[0]) == 11
