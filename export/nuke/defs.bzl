"""A rule that collects the files of a program in one folder."""

def _generated_folder_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run(
        executable = ctx.executable.program,
        arguments = ["--output", folder.path],
        outputs = [folder],
        mnemonic = "GeneratedFolder",
        progress_message = "Generating %{output}",
    )
    return [DefaultInfo(files = depset([folder]), runfiles = ctx.runfiles([folder]))]

generated_folder = rule(
    implementation = _generated_folder_impl,
    doc = "Builds the folder that `program --output=FOLDER` writes.",
    attrs = {"program": attr.label(executable = True, cfg = "exec", mandatory = True)},
)
