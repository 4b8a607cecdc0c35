"""Programs that always run on @python_3_11, even if another module registers another Python."""

load("@rules_python//python:defs.bzl", "PyInfo", "py_binary")

_TOOLCHAINS = "//command_line_option:extra_toolchains"

def _pinned_impl(settings, _attr):
    toolchain = str(Label("@python_3_11//:toolchain"))
    toolchains = settings[_TOOLCHAINS]

    # In the root module our toolchain comes first anyway. A second configuration would build everything
    # twice.
    if not Label("//:BUILD.bazel").repo_name or toolchain in toolchains:
        return {}
    return {_TOOLCHAINS: toolchains + [toolchain]}

_pinned = transition(
    implementation = _pinned_impl,
    inputs = [_TOOLCHAINS],
    outputs = [_TOOLCHAINS],
)

def _pinned_binary_impl(ctx):
    executable = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(
        output = executable,
        target_file = ctx.executable.binary,
        is_executable = True,
    )
    binary = ctx.attr.binary[0]
    return [
        DefaultInfo(
            executable = executable,
            runfiles = ctx.runfiles([executable]).merge(binary[DefaultInfo].default_runfiles),
        ),
        binary[PyInfo],
    ]

_pinned_binary = rule(
    implementation = _pinned_binary_impl,
    attrs = {
        "binary": attr.label(cfg = _pinned, executable = True, providers = [PyInfo]),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)

def pinned_py_binary(name, srcs, main = None, args = [], tags = [], visibility = None, **kwargs):
    """Declares a py_binary that modules which depend on this one can run.

    The wheels are for one version of Python, and the toolchains of the root module come first.

    Args:
      name: name of the target.
      srcs: sources of the py_binary.
      main: main file, one of `srcs`; NAME.py by default.
      args: arguments for `bazel run`.
      tags: tags of the target.
      visibility: visibility of the target.
      **kwargs: further attributes of the py_binary.
    """
    main = main or name + ".py"
    if main not in srcs:
        fail("the main file {} of {} is not one of its srcs".format(main, name))
    py_binary(
        name = name + "_on_any_python",
        srcs = srcs,
        main = main,
        tags = tags,
        visibility = ["//visibility:private"],
        **kwargs
    )
    _pinned_binary(
        name = name,
        args = args,
        binary = name + "_on_any_python",
        tags = tags,
        visibility = visibility,
    )
