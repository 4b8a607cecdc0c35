"""Deploys files under their digests, so that each shot keeps the version that it was keyed with."""

def _deployment_impl(ctx):
    folder = ctx.actions.declare_directory(ctx.label.name)
    ctx.actions.run_shell(
        inputs = ctx.files.files,
        outputs = [folder],
        arguments = [folder.path] + [file.path for file in ctx.files.files],
        command = """
            set -eu
            folder="$1"
            shift
            for file in "$@"; do
                read -r digest _ <<<"$(sha256sum "$file")"
                name="${file##*/}"
                cp "$file" "$folder/${name%.*}-$digest.${name##*.}"
            done
        """,
        mnemonic = "Deploy",
    )
    return [DefaultInfo(files = depset([folder]))]

deployment = rule(
    implementation = _deployment_impl,
    doc = "Copies files into a folder, as NAME-SHA256.EXTENSION.",
    attrs = {"files": attr.label_list(allow_files = True, mandatory = True)},
)
