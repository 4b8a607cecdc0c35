"""Stands in for the module buildozer, whose extension every `bazel mod graph` evaluates.

`enter` puts this file where third_party/registry says that the module is. `bazel mod tidy` needs the
real buildozer, and fails in the Debian root.
"""

def _empty_impl(repository_ctx):
    repository_ctx.file("BUILD.bazel")

_empty = repository_rule(implementation = _empty_impl)

def _buildozer_binary_impl(module_ctx):  # buildifier: disable=unused-variable
    _empty(name = "buildozer_binary")

buildozer_binary = module_extension(implementation = _buildozer_binary_impl)
