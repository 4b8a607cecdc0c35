"""Macros that declare tests and the weights that tests use."""

load("@rules_python//python:defs.bzl", "py_test")

# The variables that name this machine's package index, for tests that download wheels.
PACKAGE_INDEX_SETTINGS = [
    "HOME",
    "PIP_CERT",
    "PIP_CONFIG_FILE",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "http_proxy",
    "https_proxy",
    "no_proxy",
]

def pytest_test(name, srcs, deps = [], torch = False, bazel = False, env = {}, tags = [], **kwargs):
    """Declares a py_test that runs pytest on its sources.

    Args:
      name: name of the target.
      srcs: test files, and a conftest.py if they need one.
      deps: libraries. pytest is added.
      torch: set it if the test imports torch; `--config=quick` then leaves it out. torch has one
        thread, because two tests with two threads each wait for each other on two cores; with the
        tag `cpu:2` it has its default.
      bazel: set it if the test runs a Bazel of its own; remote workers, which may have none, then
        leave it to this machine.
      env: environment of the test.
      tags: tags of the test.
      **kwargs: further attributes of the py_test.
    """
    one_thread = {"OMP_NUM_THREADS": "1"} if torch and "cpu:2" not in tags else {}
    py_test(
        name = name,
        srcs = srcs + ["//testing:pytest_main.py"],
        main = "//testing:pytest_main.py",
        args = ["$(rootpath {})".format(src) for src in srcs if src.endswith("_test.py")],
        env = one_thread | env,
        tags = tags + (["torch"] if torch else []) + (["no-remote-exec"] if bazel else []),
        deps = deps + ["@pypi//pytest"],
        **kwargs
    )

def untrained_checkpoint(name, resolution, tags = [], visibility = None):
    """Declares a genrule that writes the deterministic stand-in weights for one resolution.

    Args:
      name: name of the target; the file is NAME.safetensors.
      resolution: height and width of the image that the network sees, in pixels.
      tags: tags of the target.
      visibility: visibility of the target.
    """
    native.genrule(
        name = name,
        outs = [name + ".safetensors"],
        cmd = " ".join([
            "$(execpath //testing/weights:write_untrained_checkpoint)",
            "--resolution={}".format(resolution),
            "--output=$@",
        ]),
        tags = tags,
        tools = ["//testing/weights:write_untrained_checkpoint"],
        visibility = visibility,
    )
