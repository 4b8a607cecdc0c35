"""Declares tests of an artifact."""

load("//export:defs.bzl", "corridorkey_artifact")
load("//testing:defs.bzl", "pytest_test")

def corridorkey_artifact_test(
        name,
        checkpoint,
        size,
        resolution = 256,
        tags = [],
        visibility = None,
        **variant):
    """Builds one variant from stand-in weights, and tests its files.

    Args:
      name: name of the test.
      checkpoint: label of the weights.
      size: size of the test.
      resolution: side of the image that the network sees, in pixels.
      tags: tags of the test and of the artifact.
      visibility: visibility of the test.
      **variant: as for corridorkey_artifact.
    """
    artifact = name + ".pt"
    manifest = name + ".json"
    corridorkey_artifact(
        name = name + "_pt",
        out = artifact,
        checkpoint = checkpoint,
        resolution = resolution,
        tags = tags,
        visibility = ["//testing:__subpackages__"],
        **variant
    )
    pytest_test(
        name = name,
        size = size,
        srcs = ["artifact_test.py"],
        data = [
            artifact,
            checkpoint,
            manifest,
        ],
        env = {
            "ARTIFACT": "$(rootpath {})".format(artifact),
            "CHECKPOINT": "$(rootpath {})".format(checkpoint),
            # Frees large tensors at once. Otherwise glibc's fragmented heap takes 4 GB more.
            "MALLOC_MMAP_THRESHOLD_": "131072",
            "MANIFEST": "$(rootpath {})".format(manifest),
        },
        tags = tags + (["cpu:2"] if size == "enormous" else []),
        torch = True,
        visibility = visibility,
        deps = [
            "//export:export_torchscript",
            "//export/tracing:meta_device",
        ],
    )
