"""Compares the Nuke kit of a release, which Nuke executes, with the one of this checkout."""

from export.nuke import kit
from export.verify.files import Release, read_unchanged
from export.verify.verdict import Passed, RefusedError
from wrapper.knobs import KNOBS

KIT = "nuke/"
"""Folder of the kit in a release."""

_MAXIMUM_FILE_BYTES = 4 << 20


def check_kit(release: Release, signed: bool) -> Passed[bool]:
    """Compares the kit with the one that this checkout makes.

    Args:
        release: The release.
        signed: Whether a signature vouches for the kit. Then it may be a studio's own.

    Returns:
        Whether the kit is that one, or there is none.

    Raises:
        RefusedError: It is another one, and nothing vouches for it.
        OSError: A file cannot be read.
    """
    found = [path for path in release.digests.files if path.startswith(KIT)]
    if not found:
        return Passed("there is none", True, "not checked")
    expected = {f"{KIT}{path}": content for path, content in kit.files(KNOBS).items()}
    different = sorted(expected.keys() ^ set(found)) or [
        path
        for path in sorted(found)
        if read_unchanged(release, path, _MAXIMUM_FILE_BYTES) != expected[path]
    ]
    if not different:
        return Passed(f"{len(found)} files, exactly those that this checkout makes", True)
    difference = f"{different[0]} differs from the kit that this checkout makes"
    if signed:
        return Passed(f"{difference}; only the signature vouches for it", False, "not checked")
    raise RefusedError(f"{difference}, and Nuke would run it; without --key nothing vouches for it")
