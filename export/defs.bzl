"""How an artefact is declared: a variant is five lines."""

def corridorkey_artifact(
        name,
        out,
        checkpoint = "//export:checkpoint",
        resolution = 2048,
        tags = [],
        visibility = None):
    """A CorridorKey.pt and its manifest, from one checkpoint at one resolution.

    Args:
      name: the target.
      out: the file, `NAME.pt`; the manifest is `NAME.json` beside it.
      checkpoint: label of the weights.
      resolution: side of the image that the network sees, in pixels; a multiple of 32.
      tags: as for any target. One that needs a published checkpoint is `manual`, so that
        `build //...` works where the hub cannot be reached.
      visibility: as for any target.
    """
    manifest = out.removesuffix(".pt") + ".json"
    native.genrule(
        name = name,
        srcs = [checkpoint],
        outs = [out, manifest],
        # Validation costs minutes at 2048, and would cost them in every build: it is a test.
        cmd = " ".join([
            "$(execpath //export:export_torchscript)",
            "--checkpoint=$(execpath {})".format(checkpoint),
            "--output=$(execpath {})".format(out),
            "--manifest=$(execpath {})".format(manifest),
            "--resolution={}".format(resolution),
            "--no-validate",
        ]),
        message = "Exporting",
        tags = tags,
        tools = ["//export:export_torchscript"],
        visibility = visibility,
    )
