"""Writes the table of pinned checkpoints as JSON, for programs."""

load(":checkpoints.bzl", "CHECKPOINTS")

def _pins_impl(ctx):
    output = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(output, json.encode_indent({
        pin.sha256: {
            "repository": pin.hub.hub_repository,
            "revision": pin.hub.revision,
            "file": pin.file,
            "bytes": pin.size,
        }
        for pin in CHECKPOINTS.values()
    }, indent = "  ") + "\n")
    return DefaultInfo(files = depset([output]))

pins = rule(
    implementation = _pins_impl,
    doc = "Writes NAME.json: the source and size of each published checkpoint, by its SHA-256.",
)
