"""One .pt → what it is and does: its archive here, its behaviour in a child process."""

import filecmp
import json
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from export.artifact.canonical import canonicalize
from export.verify import confined
from export.verify.archive_check import MANIFEST, ArchiveError, check_archive
from export.verify.confined import ChildError
from export.verify.verdict import Verdict

_GIB = 1 << 30
_MAXIMUM_RESOLUTION = 2048


def check_artifact(path: Path, beside: Path | None, probing: bool, verdict: Verdict) -> None:
    """Checks a .pt that nobody vouches for.

    Nothing of it reaches torch before its archive is seen to be sound and canonical. What is then
    loaded is the copy that was made to compare with, which nobody else can change meanwhile.

    Args:
        path: The file.
        beside: The manifest that came with it, if any.
        probing: Whether to key a plate: four passes through the network, minutes at 2048.
        verdict: Where the checks are kept.

    Raises:
        OSError: The file cannot be read, or there is no disk for a copy.
    """
    name = path.name
    verdict.doing(name, "archive")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, name)
        try:
            check_archive(path)
            canonicalize(path, copy)
            manifest, resolution = _manifest(copy)
        except (ArchiveError, zipfile.BadZipFile) as error:
            verdict.add(name, "archive", "refused", str(error))
            return
        verdict.add(name, "archive", "passed", "a plain zip file of known records, none compressed")
        verdict.model_ids[name] = str(manifest.get("model_id"))

        if not filecmp.cmp(path, copy, shallow=False):
            verdict.add(
                name,
                "canonical form",
                "refused",
                "not canonical: the exporter would write the same records in other bytes; export "
                "it again with //export:export_torchscript",
            )
            return
        verdict.add(name, "canonical form", "passed", "byte for byte what the exporter writes")

        arguments = [str(copy), "--manifest", str(beside.absolute())] if beside else [str(copy)]
        if not probing:
            arguments.append("--no-probe")
        memory, seconds = _limits(resolution, path.stat().st_size)
        check = ""
        try:
            for said in confined.run("export.verify.artifact_probe", arguments, memory, seconds):
                if "outcome" in said:
                    verdict.add(name, said["check"], said["outcome"], said["detail"])
                else:
                    check = said["check"]
                    verdict.doing(name, said["step"])
        except ChildError as error:
            reason = f"its process, which had {memory / 1e9:.1f} GB and {seconds:.0f} s, {error}"
            verdict.add(name, check or "loads", "refused", reason)
    if not beside:
        verdict.add(name, "manifest beside", "not checked", f"no {path.stem}.json beside it")
    if not probing:
        verdict.add(name, "probe plate", "not checked", "left out, as asked")


def _limits(resolution: int, size: int) -> tuple[int, float]:
    """Bytes of memory and seconds that a file may take: about twice what a sound one was seen to.

    Torch alone has 0.7 GB of data. The file is in memory up to three times, where two copies of it
    are compared. What the network makes of a plate grows with the area of its image: at 2048, a
    file of 399 MB had 6.1 GB in all. The time is for a machine that does much else.
    """
    area = (resolution / _MAXIMUM_RESOLUTION) ** 2
    return int(2 * _GIB + 4 * size + 8 * _GIB * area), 600 + 7200 * area


def _manifest(path: Path) -> tuple[dict[str, Any], int]:
    """The manifest in an archive, and its resolution.

    Raises:
        ArchiveError: There is none that can be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
        resolution = manifest["resolution"]
        if resolution not in range(32, _MAXIMUM_RESOLUTION + 1, 32):
            raise ArchiveError(f"{MANIFEST} has the resolution {resolution}")
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, ArchiveError):
            raise
        raise ArchiveError(f"{MANIFEST} is no manifest: {error}") from None
    return manifest, resolution
