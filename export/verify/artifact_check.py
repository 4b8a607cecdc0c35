"""Checks one .pt: generates what the exporter makes of its claims, and compares.

untrusted .pt                                          this checkout's exporter
─────────────                                          ────────────────────────
claims.read_claims ── Model Id, variant, checkpoint ─► children/generate.py, in a child
     │                                                        │
     └──── every byte ──► comparison.compare ◄── every byte ──┘
                               │ all equal but the numbers of the weights
                               ▼
                          weights.is_pinned ── are these the numbers that the Model Id names?
                               │
                               ▼
                          children/probe.py, in a confined child: torch reads the file only now

A check that refuses ends the work.
"""

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from export.artifact.artifact_manifest import ArtifactManifest, ManifestInside
from export.common.json_text import to_json
from export.verify.children import confined
from export.verify.children.confined import ChildError, Limits
from export.verify.claims import ClaimError, Claims, read_claims
from export.verify.comparison import Comparison, DifferenceError, compare
from export.verify.generated import Generated, generate
from export.verify.signature_check import check_claims
from export.verify.verdict import Passed, RefusedError, Verdict, quoted
from export.verify.weights.pins import WeightsError, is_pinned, read_pins
from wrapper.printable import printable

MAXIMUM_BESIDE_BYTES = 1 << 20
"""Largest manifest beside a .pt that is read. The exporter's have about 4,000 bytes."""

_OTHER_VERSION = (
    "Either the file was changed, or another version of the exporter made it: then check out the "
    'version that made it ("version" in the manifest.json of its release) and verify it there with '
    "that version's //export:verify"
)

Open = Callable[[], contextlib.AbstractContextManager[IO[bytes]]]


@dataclasses.dataclass(frozen=True)
class CheckedArtifact:
    """An artifact that was not refused.

    Attributes:
        claims: Its claims, which are true but for the weights.
        weights_sha256: Digest of its weights.
        manifest: The manifest that belongs beside it.
    """

    claims: Claims
    weights_sha256: str
    manifest: ArtifactManifest


def check_artifact(
    verdict: Verdict,
    name: str,
    open_file: Open,
    sha256: str,
    read_beside: Callable[[], bytes | None],
    probing: bool,
    statement: bytes | None = None,
) -> CheckedArtifact:
    """Checks a .pt and the manifest beside it.

    Args:
        verdict: Makes and keeps the checks.
        name: Name of the file.
        open_file: Opens it; called twice.
        sha256: SHA-256 of the bytes that the verdict is about.
        read_beside: Returns the manifest beside the file, or None if there is none.
        probing: Whether to key a plate: four passes through the network, minutes at 2048.
        statement: A signed statement that covers the file, and must state what it claims to be.

    Raises:
        EndedError: The file is refused.
        OSError: The file cannot be read, or there is no disk for two copies of it.
    """
    claims = verdict.run(name, "claims", lambda: _check_claims(open_file))
    if statement is not None:
        verdict.run(name, "stated claims", lambda: check_claims(statement, name, claims))
    with tempfile.TemporaryDirectory(dir=_temporary_folder()) as folder:
        copy = Path(folder, "copy.pt") if probing else None
        verdict.show(name, "generate the same variant with this version of the exporter")
        generated, comparison = verdict.run(
            name,
            "every byte",
            lambda: _check_bytes(open_file, claims, Path(folder), copy, sha256),
        )
        verdict.model_ids[printable(name)] = claims.model_id
        pinned = verdict.run(name, "weights", lambda: _check_weights(claims, comparison))
        if not pinned:
            verdict.unpinned(claims.model_id)
        facts = _facts(generated, comparison)
        verdict.run(name, "manifest beside", lambda: _check_beside(facts, read_beside()))
        verdict.run(name, "probe plate", lambda: _measure(verdict, name, claims, copy))
    return CheckedArtifact(claims, comparison.weights_sha256, facts)


def _temporary_folder() -> str:
    """Returns the system's folder for temporary files.

    Where that cannot be written to, Python takes the working directory, whose owner may be the one
    who made the untrusted file, and could replace the files in it. So with a relative TMPDIR.

    Raises:
        OSError: It is in the working directory, and no absolute path names it.
    """
    folder = tempfile.gettempdir()
    names = [os.path.normpath(os.environ.get(name, "")) for name in ("TMPDIR", "TEMP", "TMP")]
    if Path(folder).is_relative_to(Path.cwd()) and folder not in (*names, "/tmp", "/var/tmp"):
        raise OSError(
            f"temporary files would go to {printable(folder)}; name a folder in TMPDIR, with an "
            "absolute path, that can be written to"
        )
    return folder


def _check_claims(open_file: Open) -> Passed[Claims]:
    try:
        with open_file() as file:
            claims = read_claims(file)
    except ClaimError as error:
        raise RefusedError(f"it {error}") from None
    variant = claims.variant
    return Passed(
        f"to be {claims.model_id}: {variant.resolution}, {variant.precision}, {variant.runtime}, "
        f"from a checkpoint with SHA-256 {claims.checkpoint['sha256']}",
        claims,
    )


def _check_bytes(
    open_file: Open, claims: Claims, folder: Path, copy: Path | None, sha256: str
) -> Passed[tuple[Generated, Comparison]]:
    try:
        generated = generate(claims, folder)
    except ChildError as error:
        raise OSError(
            f"the exporter could not make the same variant: its process {error}"
        ) from None
    if difference := _manifest_difference(claims.text, generated.manifest()):
        raise RefusedError(f"{difference}. {_OTHER_VERSION}")
    try:
        with contextlib.ExitStack() as stack:
            writer = stack.enter_context(copy.open("wb")) if copy else None
            comparison = compare(stack.enter_context(open_file()), generated, writer)
    except DifferenceError as error:
        raise RefusedError(f"{error}. {_OTHER_VERSION}") from None
    if comparison.sha256 != sha256:
        raise RefusedError("the file changed while it was verified")
    weights = f"{len(generated.weights)} weights, all finite"
    return Passed(
        f"equal to what this version of the exporter writes, but for the numbers of {weights}",
        (generated, comparison),
    )


def _manifest_difference(claimed: bytes, expected: bytes) -> str | None:
    """Says which field of the manifest another version of the exporter wrote differently."""
    if claimed == expected:
        return None
    one, other = json.loads(claimed), json.loads(expected)  # read_claims has parsed the first
    for field in [*other, *(one.keys() - other.keys())]:
        if one.get(field) != other.get(field):
            return (
                f"the field {quoted(field)} of its manifest is not what this version of the "
                f"exporter writes, {quoted(json.dumps(other.get(field)))}: "
                f"{quoted(json.dumps(one.get(field)))}"
            )
    return "its manifest has the right content in another form"


def _check_weights(claims: Claims, comparison: Comparison) -> Passed[bool]:
    try:
        pinned = is_pinned(claims, comparison.weights_sha256, read_pins())
    except WeightsError as error:
        raise RefusedError(str(error)) from None
    if pinned:
        return Passed(f"the numbers are those of {claims.weights_id}, by a pinned digest", True)
    return Passed(
        f"no digest is pinned for {claims.weights_id} at {claims.variant.resolution} in "
        f"{claims.variant.precision}: only a signature vouches for the numbers, whose digest is "
        f"{comparison.weights_sha256}",
        False,
        "not checked",
    )


def _facts(generated: Generated, comparison: Comparison) -> ArtifactManifest:
    inside: ManifestInside = json.loads(generated.manifest())
    return {
        **inside,
        "torchscript": {"sha256": comparison.sha256, "bytes": comparison.size},
        "operators": generated.operators,
    }


def _check_beside(facts: ArtifactManifest, beside: bytes | None) -> Passed[None]:
    if beside is None:
        return Passed("there is none", None, "not checked")
    if beside != to_json(facts).encode():
        raise RefusedError("it is not the one that the exporter writes beside this very file")
    return Passed("it is the one that the exporter writes beside this very file", None)


def _measure(verdict: Verdict, name: str, claims: Claims, copy: Path | None) -> Passed[None]:
    if copy is None:
        return Passed("left out, as asked", None, "not checked")
    detail, confinement = "the child reported nothing", ["no confinement"]
    scratch = copy.parent / "scratch"
    scratch.mkdir()
    limits = _limits(claims, copy.stat().st_size, scratch)
    try:
        for report in confined.run("export.verify.children.probe", {"path": str(copy)}, limits):
            if "step" in report:
                verdict.show(name, report["step"])
            detail = report.get("detail", detail)
            confinement = report.get("confinement", confinement)
    except ChildError as error:
        detail = (
            f"not measured: the child, which had {limits.memory / 1e9:.1f} GB and "
            f"{limits.seconds:.0f} s, {error}"
        )
    return Passed(f"{detail}; in a child with {', '.join(confinement)}", None, "measured")


def _limits(claims: Claims, size: int, scratch: Path) -> Limits:
    """Returns about twice the memory that a probe was seen to take, and time for a busy machine.

    torch alone takes 0.7 GB. The file is in memory up to three times. The network's own maps grow
    with the area of its image: at 2048, a file of 399 MB took 6.1 GB in all.
    """
    area = (claims.variant.resolution / 2048) ** 2
    return Limits(
        memory=int((2 << 30) + 4 * size + (8 << 30) * area),
        seconds=600 + 7200 * area,
        # Importing torch writes a file of 1 kB.
        file_bytes=1 << 16,
        writable=scratch,
    )
