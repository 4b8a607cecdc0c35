"""How an artefact is declared: a variant is five lines."""

def _runtime_flag_impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.values:
        fail("{} is one of {}, not {}".format(ctx.label, ", ".join(ctx.attr.values), value))
    return [platform_common.TemplateVariableInfo({"RUNTIME": value})]

runtime_flag = rule(
    implementation = _runtime_flag_impl,
    doc = "A string flag; a genrule that has it among its toolchains sees it as $(RUNTIME).",
    attrs = {"values": attr.string_list(mandatory = True, doc = "What the flag may be.")},
    build_setting = config.string(flag = True),
)

def corridorkey_artifact(
        name,
        out,
        checkpoint = Label("//export:checkpoint"),
        resolution = 2048,
        precision = "float32",
        runtime = "$(RUNTIME)",
        tags = [],
        visibility = None):
    """A CorridorKey.pt and its manifest, from one checkpoint.

    Args:
      name: the target.
      out: the file, `NAME.pt`; the manifest is `NAME.json` beside it.
      checkpoint: label of the weights.
      resolution: side of the image that the network sees, in pixels; a multiple of 32.
      precision: what the weights are stored in, float32 or float16.
      runtime: the versions of Nuke that are to load it, nuke17 or nuke14; as --//export:runtime
        says by default.
      tags: as for any target. One that needs a published checkpoint is `manual`, so that
        `build //...` works where the hub cannot be reached.
      visibility: as for any target.
    """
    manifest = out.removesuffix(".pt") + ".json"

    # A Label is looked up from this file, so the macro means the same in a module that depends on this.
    exporter = Label("//export:export_torchscript")
    native.genrule(
        name = name,
        srcs = [checkpoint],
        outs = [out, manifest],
        # Validation costs minutes at 2048, and would cost them in every build: it is a test.
        cmd = " ".join([
            "$(execpath {})".format(exporter),
            "--checkpoint=$(execpath {})".format(checkpoint),
            "--output=$(execpath {})".format(out),
            "--manifest=$(execpath {})".format(manifest),
            "--resolution={}".format(resolution),
            "--precision={}".format(precision),
            "--runtime={}".format(runtime),
            "--no-validate",
        ]),
        message = "Exporting",
        tags = tags,
        toolchains = [Label("//export:runtime")],
        tools = [exporter],
        visibility = visibility,
    )
