"""Declares an artifact: a variant is five lines."""

def _runtime_flag_impl(ctx):
    value = ctx.build_setting_value
    if value not in ctx.attr.values:
        fail("{} is {}; expected {}".format(ctx.label, value, " or ".join(ctx.attr.values)))
    return [platform_common.TemplateVariableInfo({"RUNTIME": value})]

runtime_flag = rule(
    implementation = _runtime_flag_impl,
    doc = "A string flag. A genrule that has it among its toolchains reads it as $(RUNTIME).",
    attrs = {"values": attr.string_list(mandatory = True, doc = "Allowed values.")},
    build_setting = config.string(flag = True),
)

def corridorkey_artifact(
        name,
        out,
        checkpoint = Label("//export:checkpoint"),
        resolution = 2048,
        precision = "float32",
        runtime = "$(RUNTIME)",
        model_id = None,
        tags = [],
        visibility = None):
    """Exports one checkpoint as a CorridorKey.pt, with its manifest.

    Args:
      name: name of the target.
      out: name of the file, `NAME.pt`. The manifest is `NAME.json` beside it.
      checkpoint: label of the weights.
      resolution: side of the image that the network sees, in pixels; a multiple of 32.
      precision: float32; float16, to store the weights in half the size; or fast, to compute mostly
        in half on a GPU.
      runtime: versions of Nuke that load the file, nuke17 or nuke14; the value of
        --//export:runtime by default.
      model_id: Model Id for weights of one's own; by default CorridorKey_custom_ and the first
        eight digits of their SHA-256. Published and stand-in weights keep theirs.
      tags: as for any target. A target that needs a published checkpoint is `manual`, so that
        `build //...` works where the hub cannot be reached.
      visibility: as for any target.
    """
    manifest = out.removesuffix(".pt") + ".json"

    # A Label resolves in this module, also when another module calls the macro.
    exporter = Label("//export:export_torchscript")
    native.genrule(
        name = name,
        srcs = [checkpoint],
        outs = [out, manifest],
        # No validation: it takes minutes at 2048, and is a test instead.
        cmd = " ".join([
            "$(execpath {})".format(exporter),
            "--checkpoint=$(execpath {})".format(checkpoint),
            "--output=$(execpath {})".format(out),
            "--manifest=$(execpath {})".format(manifest),
            "--resolution={}".format(resolution),
            "--precision={}".format(precision),
            "--runtime={}".format(runtime),
            "--no-validate",
        ] + (["'--model-id={}'".format(model_id)] if model_id else [])),
        message = "Exporting",
        tags = tags,
        toolchains = [Label("//export:runtime")],
        tools = [exporter],
        visibility = visibility,
    )
