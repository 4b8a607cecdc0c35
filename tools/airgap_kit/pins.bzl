"""Writes the digests of Bazel's own downloads as JSON, from the .bzl files that download them."""

load("//third_party/buildifier:buildifier.bzl", buildifier = "DOWNLOADS")
load("//third_party/checkpoints:checkpoints.bzl", "CHECKPOINTS")
load("//third_party/python:interpreter.bzl", interpreter = "DOWNLOADS")

def pins(name):
    """Declares a genrule that writes NAME.json: SHA-256 by URL or file name, for each repository.

    Args:
      name: name of the target.
    """
    native.genrule(
        name = name,
        outs = [name + ".json"],
        cmd = "echo '{}' > $@".format(json.encode({
            "checkpoints": {name: {pin.file: pin.sha256} for name, pin in CHECKPOINTS.items()},
            "tools": {"buildifier": buildifier, "python_3_11": interpreter},
        })),
    )
