"""What Bazel itself downloads for this repository, as the .bzl files that download it have it."""

load("//third_party/buildifier:buildifier.bzl", buildifier = "DOWNLOADS")
load("//third_party/checkpoints:checkpoints.bzl", "CHECKPOINTS")
load("//third_party/python:interpreter.bzl", interpreter = "DOWNLOADS")

def pins(name):
    """A genrule that writes NAME.json: SHA-256 by URL, or by file name, of each repository.

    Args:
      name: the target.
    """
    native.genrule(
        name = name,
        outs = [name + ".json"],
        cmd = "echo '{}' > $@".format(json.encode({
            "checkpoints": {name: {pin.file: pin.sha256} for name, pin in CHECKPOINTS.items()},
            "tools": {"buildifier": buildifier, "python_3_11": interpreter},
        })),
    )
