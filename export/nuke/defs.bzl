"""How a program's files become one folder."""

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
    doc = "The folder that `program --output=FOLDER` fills.",
    attrs = {"program": attr.label(executable = True, cfg = "exec", mandatory = True)},
)
