"""Declares a release, here or in a studio's own module."""

_FlagInfo = provider("A flag.", fields = {"value": "value of the flag"})
_NameInfo = provider("A release.", fields = {"name": "name of its folder"})

bool_flag = rule(
    implementation = lambda ctx: _FlagInfo(value = ctx.build_setting_value),
    doc = "A flag that is on or off.",
    build_setting = config.bool(flag = True),
)

def _folder_impl(ctx):
    untrained = ctx.attr.allow_untrained[_FlagInfo].value
    name = "CorridorKey-{}{}".format(ctx.attr.version, "-untrained" if untrained else "")
    folder = ctx.actions.declare_directory(name)

    args = ctx.actions.args()
    args.add_all(ctx.files.artifacts, before_each = "--artifact")
    args.add_all(ctx.files.nuke_kit, before_each = "--nuke-kit", expand_directories = False)
    args.add("--version", ctx.attr.version)
    if untrained:
        args.add("--untrained")
    args.add("--target", ctx.attr.target)
    args.add("--builder-id", ctx.attr.builder_id)
    args.add("--pins", ctx.file._pins)
    args.add("--wheels", ctx.file._wheels)
    args.add("--lock", ctx.file._lock)
    args.add("--module", ctx.file._module)
    args.add("--output", folder.path)
    ctx.actions.run(
        executable = ctx.executable._make_release,
        arguments = [args],
        inputs = depset(
            ctx.files.artifacts + ctx.files.nuke_kit +
            [ctx.file._pins, ctx.file._wheels, ctx.file._lock, ctx.file._module],
            transitive = [ctx.attr._wheels[DefaultInfo].default_runfiles.files],
        ),
        outputs = [folder],
        mnemonic = "CorridorKeyRelease",
        progress_message = "Making " + name,
    )
    return [
        DefaultInfo(files = depset([folder])),
        _NameInfo(name = name),
    ]

_folder = rule(
    implementation = _folder_impl,
    attrs = {
        "allow_untrained": attr.label(mandatory = True, providers = [_FlagInfo]),
        "artifacts": attr.label_list(mandatory = True, allow_files = [".pt", ".json"]),
        "builder_id": attr.string(mandatory = True),
        "nuke_kit": attr.label(),
        "target": attr.string(mandatory = True),
        "version": attr.string(mandatory = True),
        "_lock": attr.label(
            default = "//third_party/python:requirements_lock.txt",
            allow_single_file = True,
        ),
        "_make_release": attr.label(
            default = "//export/release:make_release",
            cfg = "exec",
            executable = True,
        ),
        "_module": attr.label(default = "//:MODULE.bazel", allow_single_file = True),
        "_pins": attr.label(default = "//third_party/checkpoints:pins", allow_single_file = True),
        "_wheels": attr.label(default = "//export/release:exporter_wheels", allow_single_file = True),
    },
)

# A release's tar and its version control details are each one file, NAME + suffix, that a program
# writes.

def _tar_impl(ctx):
    folder = ctx.file.folder
    output = ctx.actions.declare_file(ctx.attr.folder[_NameInfo].name + ".tar")
    ctx.actions.run(
        executable = ctx.executable._write,
        arguments = [folder.path, output.path],
        inputs = [folder],
        outputs = [output],
        mnemonic = "CorridorKeyTar",
        progress_message = "Writing " + output.basename,
    )
    return DefaultInfo(files = depset([output]))

_tar = rule(
    implementation = _tar_impl,
    attrs = {
        "folder": attr.label(mandatory = True, allow_single_file = True, providers = [_NameInfo]),
        "_write": attr.label(
            default = "//export/release:write_tar",
            cfg = "exec",
            executable = True,
        ),
    },
)

def _version_control_impl(ctx):
    output = ctx.actions.declare_file(ctx.attr.folder[_NameInfo].name + ".vcs.json")
    ctx.actions.run(
        executable = ctx.executable._write,
        arguments = [ctx.info_file.path, ctx.file.tar.path, output.path],
        inputs = [ctx.info_file, ctx.file.tar],
        outputs = [output],
        mnemonic = "CorridorKeyVersionControl",
    )
    return DefaultInfo(files = depset([output]))

_version_control = rule(
    implementation = _version_control_impl,
    attrs = {
        "folder": attr.label(mandatory = True, providers = [_NameInfo]),
        "tar": attr.label(mandatory = True, allow_single_file = True),
        "_write": attr.label(
            default = "//export/release:write_version_control",
            cfg = "exec",
            executable = True,
        ),
    },
)

def corridorkey_release(
        name,
        artifacts,
        nuke_kit = None,
        version = None,
        builder_id = "urn:corridorkey-nuke:bazel",
        allow_untrained = Label("//export:allow_untrained_release"),
        tags = [],
        visibility = None):
    """Declares what a studio pins: a folder `CorridorKey-VERSION`, and its canonical tar.

    With --stamp (--config=release), a file `CorridorKey-VERSION.vcs.json` is built, too. It states
    where the sources were in version control. Neither folder nor tar depends on it.

    Args:
      name: name of the target, which has all files. NAME_folder and NAME_tar have one each.
      artifacts: labels of corridorkey_artifact targets.
      nuke_kit: label of a folder to include as `nuke`.
      version: version of the release; that of the calling module by default.
      builder_id: URI of the builder, for the provenance.
      allow_untrained: label of a bool_flag that says whether the weights are stand-ins. The build
        fails if they are not what it says.
      tags: as for any target.
      visibility: as for any target.
    """
    version = version or native.module_version()
    if not version:
        fail("corridorkey_release {} needs a version: the module has none".format(name))
    _folder(
        name = name + "_folder",
        allow_untrained = allow_untrained,
        artifacts = artifacts,
        builder_id = builder_id,
        nuke_kit = nuke_kit,
        tags = tags,
        target = "//{}:{}".format(native.package_name(), name),
        version = version,
        visibility = visibility,
    )
    _tar(
        name = name + "_tar",
        folder = name + "_folder",
        tags = tags,
        visibility = visibility,
    )
    _version_control(
        name = name + "_version_control",
        folder = name + "_folder",
        tags = ["manual"],
        tar = name + "_tar",
    )
    native.filegroup(
        name = name,
        srcs = [name + "_folder", name + "_tar"] + select({
            Label("//export/release:stamped"): [name + "_version_control"],
            "//conditions:default": [],
        }),
        tags = tags,
        visibility = visibility,
    )
