"""A whole release of 100 kB around a small .pt, and ways to change it and mend its papers."""

import io
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from export.common import sha256sums
from export.common.digests import digest
from export.common.json_text import to_json
from export.common.sha256sums import SHA256SUMS
from export.nuke import kit
from export.release import make_release
from export.release.canonical_tar import write_canonical
from export.release.papers import Checkout
from export.release.release_manifest import MANIFEST
from export.release.signature.statement import PROVENANCE, replace_subjects
from testing.export.verify.small_artifact import SmallExporter
from wrapper.knobs import KNOBS

NAME = "CorridorKey-1.0-untrained"


def write_small_release(exporter: SmallExporter, folder: Path) -> Path:
    """Writes a release below a folder; returns it."""
    exporter.write(folder / "CorridorKey.pt")
    return make_small_release(folder, NAME, ["CorridorKey"], "--untrained")


def make_small_release(folder: Path, name: str, artifacts: list[str], *options: str) -> Path:
    """Makes a release of .pt files in a folder, given without their suffix; returns it."""
    metadata = folder / "torch-1.0.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: torch\nVersion: 1.0\nLicense: BSD\n")
    wheels = [{"metadata": str(metadata), "requires": []}]
    (folder / "wheels.json").write_text(json.dumps({"wheels": wheels, "imported": ["torch"]}))
    (folder / "lock.txt").write_text(f"torch==1.0 \\\n    --hash=sha256:{'a' * 64}\n")
    (folder / "pins.json").write_text("{}")
    (folder / "MODULE.bazel").write_text(
        'module(\n    name = "corridorkey_nuke",\n    version = "1.0",\n)\n'
    )
    for path, content in kit.files(KNOBS).items():
        file = folder / "kit" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    result = CliRunner().invoke(
        make_release.main,
        [
            *(
                f"--artifact={folder / stem}.{kind}"
                for stem in artifacts
                for kind in ("pt", "json")
            ),
            *options,
            f"--nuke-kit={folder / 'kit'}",
            "--version=1.0",
            "--target=//:release",
            "--builder-id=urn:test",
            f"--pins={folder / 'pins.json'}",
            f"--wheels={folder / 'wheels.json'}",
            f"--lock={folder / 'lock.txt'}",
            f"--module={folder / 'MODULE.bazel'}",
            f"--output={folder / name}",
        ],
    )
    assert result.exit_code == 0, result.output
    return folder / name


def small_checkout(folder: Path) -> Checkout:
    """Returns what `make_small_release` made the papers from, in the same folder."""
    return Checkout(
        pins=folder / "pins.json",
        wheels=folder / "wheels.json",
        external=folder,
        lock=folder / "lock.txt",
        module=folder / "MODULE.bazel",
    )


def write_tar(release: Path) -> Path:
    """Writes the canonical tar beside a release's folder; returns it."""
    path = release.with_name(f"{release.name}.tar")
    content = io.BytesIO()
    write_canonical(release, content)
    path.write_bytes(content.getvalue())
    return path


def mend(release: Path, *papers: str) -> None:
    """Mends papers of a changed release, as whoever changed it could.

    Args:
        release: The folder.
        papers: Names of papers to leave as they are.
    """
    if MANIFEST not in papers and (release / MANIFEST).exists():
        manifest: dict[str, Any] = json.loads((release / MANIFEST).read_text())
        manifest["files"] = [
            {"path": path, **digest(release / path)}
            for path in _files(release)
            if path not in (MANIFEST, PROVENANCE, SHA256SUMS)
        ]
        (release / MANIFEST).write_text(to_json(manifest))
    if PROVENANCE not in papers and (release / PROVENANCE).exists():
        subjects = {
            path: digest(release / path)["sha256"]
            for path in _files(release)
            if path not in (PROVENANCE, SHA256SUMS)
        }
        statement = (release / PROVENANCE).read_bytes()
        (release / PROVENANCE).write_bytes(replace_subjects(statement, subjects))
    if SHA256SUMS not in papers:
        digests = {
            path: digest(release / path)["sha256"] for path in _files(release) if path != SHA256SUMS
        }
        (release / SHA256SUMS).write_text(sha256sums.to_text(digests))


def _files(release: Path) -> list[str]:
    return sorted(
        str(path.relative_to(release))
        for path in release.rglob("*")
        if path.is_file() and not path.is_symlink()
    )
