"""A small accepted statement, for tests that change it."""

from collections.abc import Mapping

from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

from export.release.signature.statement import build_statement

DIGEST = 64 * "a"


def small_statement(digests: Mapping[str, str]) -> bytes:
    """Returns a statement about files, SHA-256 by name."""
    return build_statement(
        digests,
        {
            "target": "//export:release",
            "version": "1.0",
            "artifacts": {"CorridorKey.pt": "CorridorKey_untrained"},
        },
        [
            ResourceDescriptor(name="weights", digest={"sha256": DIGEST}),
            ResourceDescriptor(name="MODULE.bazel", digest={"sha256": DIGEST}),
        ],
        "urn:test",
    )
