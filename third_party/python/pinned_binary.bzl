"""Programs that run on @python_3_11, whatever Python a module that depends on this one registers."""

load("@rules_python//python:defs.bzl", "PyInfo", "py_binary")

_TOOLCHAINS = "//command_line_option:extra_toolchains"

def _pinned_impl(settings, _attr):
    toolchain = str(Label("@python_3_11//:toolchain"))
    toolchains = settings[_TOOLCHAINS]

    # As the root module, ours is the first toolchain as it is, and a second configuration a waste.
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
    """A py_binary for those who use this module from another.

    The wheels are for one version of Python, and the toolchains of the root module come first.

    Args:
      name: the target.
      srcs: as for py_binary.
      main: as for py_binary; the first of `srcs` by default.
      args: as for py_binary.
      tags: as for any target.
      visibility: as for any target.
      **kwargs: as for py_binary.
    """
    py_binary(
        name = name + "_on_any_python",
        srcs = srcs,
        main = main or srcs[0],
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
