"""How an artefact is tested."""

load("//export:defs.bzl", "corridorkey_artifact")
load("//testing:defs.bzl", "pytest_test")

def corridorkey_artifact_test(name, checkpoint, size, resolution = 256, **variant):
    """Builds one variant from stand-in weights, and tests the files.

    Args:
      name: the target.
      checkpoint: label of the weights.
      size: of the test.
      resolution: side of the image that the network sees, in pixels.
      **variant: as for corridorkey_artifact.
    """
    artifact = name + ".pt"
    manifest = name + ".json"
    corridorkey_artifact(
        name = name + "_pt",
        out = artifact,
        checkpoint = checkpoint,
        resolution = resolution,
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
            # Gives large tensors back at once. Else glibc's heap, in fragments, takes 4 GB more.
            "MALLOC_MMAP_THRESHOLD_": "131072",
            "MANIFEST": "$(rootpath {})".format(manifest),
        },
        tags = ["cpu:2"],
        torch = True,
        deps = [
            "//export:export_torchscript",
            "//export/tracing:meta_device",
            "//export/verify:source_check",
        ],
    )
