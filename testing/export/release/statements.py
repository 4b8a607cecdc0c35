"""A small accepted statement, for tests that change it."""

from collections.abc import Mapping

from in_toto_attestation.v1.resource_descriptor import ResourceDescriptor

from export.release.signature.statement import build_statement

DIGEST = 64 * "a"


def small_statement(
    digests: Mapping[str, str], model_id: str = "CorridorKey_untrained", weights: str = DIGEST
) -> bytes:
    """Returns a statement about files, SHA-256 by name, and one artifact.

    Args:
        digests: SHA-256 by name.
        model_id: Model Id of CorridorKey.pt.
        weights: SHA-256 of its checkpoint.
    """
    return build_statement(
        digests,
        {
            "target": "//export:release",
            "version": "1.0",
            "artifacts": {"CorridorKey.pt": model_id},
        },
        [
            ResourceDescriptor(name="weights", digest={"sha256": weights}),
            ResourceDescriptor(name="MODULE.bazel", digest={"sha256": DIGEST}),
        ],
        "urn:test",
    )
