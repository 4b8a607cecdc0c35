"""Hostile releases, each made from a good one: tables of what verify must refuse.

A `Harm` changes the folder of a release, after which every paper in it is mended, as its maker
could; a `TarHarm` makes another tar of the good folder.
"""

import dataclasses
import io
import json
import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from export.common.sha256sums import SHA256SUMS
from export.release.release_manifest import MANIFEST
from export.release.sbom import SBOM
from export.release.signature.statement import PROVENANCE
from testing.export.verify.small_release import write_tar


@dataclasses.dataclass(frozen=True)
class Harm:
    """A change of a release's folder.

    Attributes:
        kind: What is attacked.
        fault: What is wrong with it.
        harm: Makes the change; code in it writes to the second path if it runs.
        check: Name of the check that refuses it.
        message: Regular expression for the reason of the refusal.
        left: Papers that are left as they are.
    """

    kind: str
    fault: str
    harm: Callable[[Path, Path], object]
    check: str
    message: str
    left: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class TarHarm:
    """Another tar of a release.

    Attributes:
        fault: What is wrong with it.
        harm: Writes it, given the folder, the tar's path and a witness.
        message: Regular expression for the reason of the refusal.
    """

    fault: str
    harm: Callable[[Path, Path, Path], object]
    message: str


# The folder.


def _write(name: str, content: str) -> Callable[[Path, Path], None]:
    def harm(release: Path, witness: Path) -> None:
        path = release / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("WITNESS", repr(str(witness))))

    return harm


def _edit(name: str, old: str, new: str) -> Callable[[Path, Path], None]:
    def harm(release: Path, _witness: Path) -> None:
        text = (release / name).read_text()
        assert old in text
        (release / name).write_text(text.replace(old, new, 1))

    return harm


def _sparse(name: str, size: int) -> Callable[[Path, Path], None]:
    def harm(release: Path, _witness: Path) -> None:
        with (release / name).open("r+b") as file:
            file.truncate(size)  # takes no disk

    return harm


def _edit_bill(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    def harm(release: Path, _witness: Path) -> None:
        bill = json.loads((release / SBOM).read_text())
        edit(bill)
        (release / SBOM).write_text(json.dumps(bill))

    return harm


def _artifact_as_the_bill(release: Path, _witness: Path) -> None:
    for suffix in ("pt", "json"):
        (release / f"CorridorKey.{suffix}").rename(release / f"sbom.cdx.{suffix}")
    for paper in (MANIFEST, PROVENANCE):
        text = (release / paper).read_text()
        (release / paper).write_text(text.replace('"CorridorKey.', '"sbom.cdx.'))


def _add_component(component: dict[str, Any]) -> Callable[[Path, Path], None]:
    return _edit_bill(lambda bill: bill["components"].append(component))


def _edit_predicate(edit: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    """Changes what the statement says of the build, in the form that the exporter writes."""

    def harm(release: Path, _witness: Path) -> None:
        statement = json.loads((release / PROVENANCE).read_text())
        edit(statement["predicate"]["buildDefinition"])
        (release / PROVENANCE).write_text(json.dumps(statement, indent=2, sort_keys=True) + "\n")

    return harm


def _says_published(definition: dict[str, Any]) -> None:
    definition["externalParameters"]["artifacts"] = {"CorridorKey.pt": "CorridorKey_v1.0_Nuke"}


def _says_other_weights(definition: dict[str, Any]) -> None:
    weights = next(item for item in definition["resolvedDependencies"] if item["name"] == "weights")
    weights["digest"] = {"sha256": "7" * 64}


def _socket(release: Path, _witness: Path) -> None:
    folder = os.open(release / "nuke", os.O_PATH)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{folder}/socket")  # because a name may have 107 bytes only
    os.close(folder)


def _deep(release: Path, _witness: Path) -> None:
    deepest = release.joinpath("nuke", *["x"] * 60)
    deepest.mkdir(parents=True)
    (deepest / "file").write_text("")


_CODE = "open(WITNESS, 'w').write('ran')\n"

HARMS = [
    Harm(
        "payload",
        "menu.py runs code in Nuke",
        _write("nuke/menu.py", _CODE),
        "nuke/",
        "nuke/menu.py differs from the kit",
    ),
    Harm(
        "payload",
        "a module more in the kit",
        _write("nuke/evil.py", _CODE),
        "nuke/",
        "nuke/evil.py differs from the kit",
    ),
    Harm(
        "payload",
        "a gizmo fewer in the kit",
        lambda release, _: next(release.rglob("*.gizmo")).unlink(),
        "nuke/",
        "differs from the kit",
    ),
    Harm(
        "payload", "a program more", _write("run_me.sh", _CODE), "names", "run_me.sh is not a file"
    ),
    Harm(
        "payload",
        "a .pt in a folder",
        lambda release, _: (release / "nuke/x.pt").write_bytes(
            (release / "CorridorKey.pt").read_bytes()
        ),
        "names",
        "nuke/x.json is missing|nuke/x.pt is not at the top",
    ),
    Harm(
        "payload",
        "an artifact in place of the bill",
        _artifact_as_the_bill,
        MANIFEST,
        "sbom.cdx.json is a paper of the release",
    ),
    Harm(
        "payload",
        "other terms",
        _write("LICENSE-CorridorKey.txt", "none"),
        "copies",
        "LICENSE-CorridorKey.txt differs from this checkout's",
    ),
    Harm(
        "payload",
        "another schema",
        _write("manifest.schema.json", "{}"),
        "copies",
        "manifest.schema.json differs",
    ),
    Harm(
        "papers",
        "another resolution in the manifest",
        _edit(MANIFEST, '"resolution": 256', '"resolution": 512'),
        MANIFEST,
        "its artifacts is not what",
    ),
    Harm(
        "papers",
        "a weights' publisher in the manifest",
        _edit(
            MANIFEST,
            '"published": null',
            '"published": {"repository": "a/b", "revision": "0", "file": "c"}',
        ),
        MANIFEST,
        "its artifacts is not what",
    ),
    Harm(
        "papers",
        "another name in the manifest",
        _edit(MANIFEST, '"name": "CorridorKey-', '"name": "Other-'),
        MANIFEST,
        "its name is not what",
    ),
    Harm(
        "papers",
        "a file fewer in the manifest",
        lambda release, _: (release / MANIFEST).write_text(
            json.dumps(json.loads((release / MANIFEST).read_text()) | {"files": []})
        ),
        MANIFEST,
        "its files is not what",
        (MANIFEST,),
    ),
    Harm(
        "papers",
        "another version in the manifest",
        _edit(MANIFEST, '"version": "1.0"', '"version": "9.9"'),
        MANIFEST,
        "files and version is named CorridorKey-9.9-untrained",
    ),
    Harm(
        "papers",
        "a version that the folder's name only begins with",
        _edit(MANIFEST, '"version": "1.0"', '"version": "1"'),
        MANIFEST,
        "files and version is named CorridorKey-1-untrained",
    ),
    Harm("papers", "a manifest of spaces", _write(MANIFEST, "{ }"), MANIFEST, "", (MANIFEST,)),
    Harm(
        "papers",
        "no bill of materials",
        lambda release, _: (release / SBOM).unlink(),
        "names",
        f"{SBOM} is missing",
    ),
    Harm(
        "papers",
        "a bill of materials of no version",
        _edit(SBOM, '"specVersion"', '"specVersions"'),
        SBOM,
        "not what the exporter writes",
    ),
    Harm(
        "bill",
        "a component more",
        _add_component({"type": "library", "name": "left-pad", "version": "1.0"}),
        SBOM,
        "it lists 'left-pad' as the exporter does not",
    ),
    Harm(
        "bill",
        "a component whose name has an escape sequence",
        _add_component({"type": "library", "name": "\x1b[2J"}),
        SBOM,
        r"it lists '\\+x1b\[2J' as the exporter does not",
    ),
    Harm(
        "bill",
        "a component fewer",
        _edit_bill(lambda bill: bill["components"].pop()),
        SBOM,
        "not what the exporter writes",
    ),
    Harm(
        "bill",
        "another version of torch",
        _edit(SBOM, '"version": "1.0"', '"version": "1.1"'),
        SBOM,
        "as the exporter does not|not what the exporter writes",
    ),
    Harm(
        "bill",
        "another license of the weights",
        _edit_bill(
            lambda bill: bill["components"][-1].update(licenses=[{"license": {"id": "MIT"}}])
        ),
        SBOM,
        "as the exporter does not",
    ),
    Harm(
        "bill",
        "nobody depends on torch",
        _edit_bill(lambda bill: bill.update(dependencies=[])),
        SBOM,
        "not what the exporter writes",
    ),
    Harm("bill", "no object", _write(SBOM, "[]"), SBOM, "a JSON list; expected an object"),
    Harm(
        "statements",
        "another build type",
        _edit(PROVENANCE, "bazel-release:v1", "bazel-release:v2"),
        PROVENANCE,
        "not one of this exporter's releases",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "another predicate",
        _edit(PROVENANCE, "slsa.dev/provenance/v1", "slsa.dev/verification_summary/v1"),
        PROVENANCE,
        "not one of this exporter's releases",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "a verdict in the predicate",
        _edit(PROVENANCE, '"runDetails": {', '"result": "FAILED", "runDetails": {'),
        PROVENANCE,
        "not one of this exporter's releases",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "a subject fewer",
        _edit(PROVENANCE, '"name": "CorridorKey.json"', '"name": "CorridorKey.jsn"'),
        PROVENANCE,
        "does not cover CorridorKey.json",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "another form",
        _edit(PROVENANCE, "{", "{ "),
        PROVENANCE,
        "canonical form",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "half of a surrogate pair",
        _edit(PROVENANCE, "urn:test", "urn:\\ud800"),
        PROVENANCE,
        "half of a surrogate pair",
        (PROVENANCE,),
    ),
    Harm(
        "statements",
        "another version",
        _edit(PROVENANCE, '"version": "1.0"', '"version": "2.0"'),
        PROVENANCE,
        "its externalParameters is not what",
    ),
    Harm(
        "statements",
        "another Model Id",
        _edit(PROVENANCE, "CorridorKey_untrained", "CorridorKey_v1.0_Nuke"),
        PROVENANCE,
        "its externalParameters is not what",
    ),
    Harm(
        "statements",
        "an address of the weights",
        _edit(
            PROVENANCE, '"name": "weights"', '"name": "weights",\n          "uri": "https://a/b"'
        ),
        PROVENANCE,
        "its resolvedDependencies is not what",
    ),
    Harm(
        "statements",
        "another MODULE.bazel",
        _edit(PROVENANCE, '"name": "MODULE.bazel"', '"name": "WORKSPACE"'),
        PROVENANCE,
        "its resolvedDependencies is not what",
    ),
    Harm(
        "list",
        "a file that the list does not name",
        _write("evil.so", ""),
        SHA256SUMS,
        "evil.so",
        (SHA256SUMS,),
    ),
    Harm(
        "list",
        "a file that is missing",
        lambda release, _: (release / "CorridorKey.json").unlink(),
        SHA256SUMS,
        "CorridorKey.json is missing",
        (SHA256SUMS,),
    ),
    Harm(
        "list",
        "no list",
        lambda release, _: (release / SHA256SUMS).unlink(),
        SHA256SUMS,
        "SHA256SUMS is missing",
        (SHA256SUMS,),
    ),
    Harm(
        "list",
        "a list with a path that leads out",
        lambda release, _: (release / SHA256SUMS).write_text(f"{'0' * 64}  ../evil\n"),
        SHA256SUMS,
        "line 1: expected",
        (SHA256SUMS,),
    ),
    Harm(
        "folder",
        "a link to a file",
        lambda release, _: (release / "nuke/link").symlink_to("/etc/passwd"),
        "container",
        "nuke/link is ",
    ),
    Harm(
        "folder",
        "a link to a folder",
        lambda release, _: (release / "link").symlink_to("/etc"),
        "container",
        "link is a link to a folder",
    ),
    Harm(
        "folder",
        "a pipe",
        lambda release, _: os.mkfifo(release / "pipe"),
        "container",
        "pipe is ",
    ),
    Harm("folder", "a socket", _socket, "container", "socket is a folder, a pipe"),
    Harm(
        "folder",
        "a name of spaces",
        _write("a b", ""),
        "container",
        "not allowed as a name",
        (SHA256SUMS,),
    ),
    Harm(
        "folder",
        "two names that differ in case",
        _write("nuke/Menu.py", ""),
        "container",
        "file system without case",
    ),
    Harm(
        "escapes",
        "a name with an escape sequence",
        _write("\x1b[2J", ""),
        "container",
        r"\\x1b\[2J' is not allowed",
        (SHA256SUMS,),
    ),
    Harm(
        "escapes",
        "a name that writes from right to left",
        _write("\u202egpj.exe", ""),
        "container",
        r"\\u202egpj.exe' is not allowed",
        (SHA256SUMS,),
    ),
    Harm(
        "escapes",
        "an escape sequence in the manifest's version",
        _edit(MANIFEST, '"version": "1.0"', '"version": "\\u001b[2J"'),
        MANIFEST,
        "its version is not of letters",
    ),
    Harm(
        "exhaustion",
        "20 GB, sparse",
        _sparse("CorridorKey.pt", 20 << 30),
        "container",
        "bytes",
        (SHA256SUMS, MANIFEST, PROVENANCE),
    ),
    Harm(
        "exhaustion",
        "a manifest of 90 MB",
        _sparse(MANIFEST, 90 << 20),
        MANIFEST,
        "more than 1,048,576 bytes",
        (MANIFEST,),
    ),
    Harm(
        "exhaustion",
        "a list of newlines",
        lambda release, _: (release / SHA256SUMS).write_bytes(b"\n" * (100 << 20)),
        SHA256SUMS,
        "more than",
        (SHA256SUMS,),
    ),
    Harm(
        "exhaustion",
        "a bill of many components",
        _edit_bill(lambda bill: bill.update(components=bill["components"] * 1000)),
        SBOM,
        "more than 1,048,576 bytes|not what the exporter writes",
    ),
    *(
        Harm(
            "exhaustion",
            f"{paper} 900 deep",
            _write(paper, '{"version":' + "[" * 900 + "]" * 900 + "}"),
            paper,
            "nests more than 32 deep",
            (paper,),
        )
        for paper in (MANIFEST, PROVENANCE, SBOM)
    ),
    Harm("exhaustion", "folders 60 deep", _deep, "container", "longer than 99 bytes"),
    Harm(
        "exhaustion",
        "a statement 100,000 deep",
        lambda release, _: (release / PROVENANCE).write_text("[" * 100_000),
        PROVENANCE,
        "nests more than 32 deep",
        (PROVENANCE,),
    ),
]

LIES = [
    Harm(
        "statements",
        "stand-in weights as the published ones",
        _edit_predicate(_says_published),
        "stated claims",
        "claims to be CorridorKey_untrained_256, and .* says that it is CorridorKey_v1.0_Nuke",
    ),
    Harm(
        "statements",
        "another checkpoint",
        _edit_predicate(_says_other_weights),
        "stated claims",
        "which the statement does not name",
    ),
]
"""Statements that lie about an artifact, and how a single .pt is refused under each of them."""

LATE = [
    Harm(
        "races",
        "another .pt",
        lambda release, _: (release / "CorridorKey.pt").write_bytes(
            (release / "CorridorKey.pt").read_bytes()[::-1]
        ),
        "unchanged",
        "it changed while it was verified",
    ),
    Harm(
        "races",
        "bytecode in the kit",
        _write("nuke/__pycache__/menu.cpython-311.pyc", _CODE),
        "unchanged",
        "it changed while it was verified",
    ),
    Harm(
        "races",
        "a link in the kit",
        lambda release, _: (release / "nuke/link").symlink_to("/etc/passwd"),
        "unchanged",
        "nuke/link is a link",
    ),
]
"""Changes of a good release once all of its files were checked, before the verdict."""


# The tar.


def _with_tarfile(
    form: int, edit: Callable[[tarfile.TarInfo], None] = lambda _: None, **headers: str
) -> Callable[[Path, Path, Path], None]:
    """Writes the folder with Python's tarfile."""

    def harm(release: Path, tar: Path, _witness: Path) -> None:
        with tarfile.open(tar, "w", format=form, pax_headers=headers) as file:
            for path in sorted(release.rglob("*")):
                if path.is_file():
                    info = tarfile.TarInfo(f"{release.name}/{path.relative_to(release)}")
                    info.size = path.stat().st_size
                    edit(info)
                    file.addfile(info, io.BytesIO(path.read_bytes()))

    return harm


def _global_header(release: Path, tar: Path, witness: Path) -> None:
    """Puts a PAX global header in front, which GNU tar obeys and Python's tarfile may not."""
    good = write_tar(release).read_bytes()
    header = tarfile.TarInfo.create_pax_global_header({"size": "0", "path": "evil"})
    tar.write_bytes(header + good)
    del witness


def _second(name: str) -> Callable[[Path, Path, Path], None]:
    """Appends a member, where the end was."""

    def harm(release: Path, tar: Path, witness: Path) -> None:
        good = write_tar(release).read_bytes()
        content = f"open({str(witness)!r}, 'w')".encode()
        info = tarfile.TarInfo(f"{release.name}/{name}")
        info.size = len(content)
        extra = info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)
        tar.write_bytes(good.rstrip(b"\0") + bytes(-len(good.rstrip(b"\0")) % 512) + extra)
        with tar.open("ab") as file:
            file.write(bytes(10240))

    return harm


def _changed(change: Callable[[bytearray], object]) -> Callable[[Path, Path, Path], None]:
    def harm(release: Path, tar: Path, _witness: Path) -> None:
        content = bytearray(write_tar(release).read_bytes())
        change(content)
        tar.write_bytes(content)

    return harm


def _large(release: Path, tar: Path, _witness: Path) -> None:
    write_tar(release)
    with tar.open("r+b") as file:
        file.truncate(17 << 30)  # takes no disk


def _compressed(release: Path, tar: Path, _witness: Path) -> None:
    with tarfile.open(tar, "w:gz") as file:
        file.add(release, release.name)


_PLAIN = "is not the plain one of a regular file"

TAR_HARMS = [
    TarHarm("a PAX global header", _global_header, _PLAIN),
    TarHarm("a PAX header for each member", _with_tarfile(tarfile.PAX_FORMAT, path="evil"), _PLAIN),
    TarHarm(
        "a GNU long name",
        _with_tarfile(tarfile.GNU_FORMAT, lambda info: setattr(info, "name", info.name + "x" * 99)),
        _PLAIN,
    ),
    TarHarm(
        "a link",
        _with_tarfile(tarfile.USTAR_FORMAT, lambda info: setattr(info, "type", tarfile.SYMTYPE)),
        _PLAIN,
    ),
    TarHarm(
        "another owner", _with_tarfile(tarfile.USTAR_FORMAT, lambda i: setattr(i, "uid", 7)), _PLAIN
    ),
    TarHarm(
        "a second file of the same name",
        _second("CorridorKey.pt"),
        "twice, or not in the order|plain one|zeros",
    ),
    TarHarm("a file behind the last", _second("zzz/menu.py"), "plain one|zeros"),
    TarHarm("a byte after the end", _changed(lambda c: c.append(0)), "does not end in"),
    TarHarm("bytes in the end", _changed(lambda c: c.__setitem__(-1, 1)), "does not end in"),
    TarHarm("its end missing", _changed(lambda c: c.__delitem__(slice(-10240, None))), ""),
    TarHarm("17 GB, sparse", _large, "at most"),
    TarHarm("an empty file", lambda _r, tar, _w: tar.write_bytes(b""), ""),
    TarHarm("no tar", lambda _r, tar, _w: tar.write_bytes(b"x" * 20480), _PLAIN),
    TarHarm(
        "compressed",
        _compressed,
        "plain one|zeros",
    ),
    TarHarm("a pipe", lambda _release, tar, _witness: os.mkfifo(tar), "regular file"),
]
