"""How tests are declared."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, srcs, deps = [], torch = False, bazel = False, tags = [], **kwargs):
    """A py_test that runs pytest on its sources.

    Args:
      name: the target.
      srcs: test files, and the conftest.py that they need.
      deps: libraries; pytest itself is always there.
      torch: whether the test imports torch. One that does not belongs to `--config=quick`.
      bazel: whether the test runs a Bazel of its own. One that does is run where Bazel is: a remote
        worker need not have it.
      tags: as for any test.
      **kwargs: as for py_test.
    """
    py_test(
        name = name,
        srcs = srcs + ["//testing:pytest_main.py"],
        main = "//testing:pytest_main.py",
        args = ["$(rootpath {})".format(src) for src in srcs if src.endswith("_test.py")],
        tags = tags + (["torch"] if torch else []) + (["no-remote-exec"] if bazel else []),
        deps = deps + ["@pypi//pytest"],
        **kwargs
    )

def untrained_checkpoint(name, resolution, visibility = None):
    """A genrule that writes the deterministic stand-in weights of one resolution.

    Args:
      name: the target; the file is NAME.safetensors.
      resolution: side of the image, in pixels.
      visibility: as for any target.
    """
    native.genrule(
        name = name,
        outs = [name + ".safetensors"],
        cmd = " ".join([
            "$(execpath //testing/weights:write_untrained_checkpoint)",
            "--resolution={}".format(resolution),
            "--output=$@",
        ]),
        tools = ["//testing/weights:write_untrained_checkpoint"],
        visibility = visibility,
    )
