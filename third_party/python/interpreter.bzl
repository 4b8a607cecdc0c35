"""`@python_3_11`: the Python interpreter that runs every Python action, and pip.

By default it is a release of python-build-standalone, pinned by digest.
`--repo_env=CORRIDORKEY_PYTHON=/path/to/python3.11` uses an installed interpreter instead, such as the
one of the Debian root.
"""

_VERSION = "3.11"
_RELEASE = "20260414"
_URL = ("https://github.com/astral-sh/python-build-standalone/releases/download/{release}/" +
        "cpython-3.11.15+{release}-{triple}-install_only.tar.gz")

# torch 2.7.1 has no wheel for Intel Macs, so there is no interpreter for them either.
_SHA256 = {
    "aarch64-apple-darwin": "a57ffd435652092d16b30e783f9826c55e9c64b0f0a72cbae0a9f39e663137fb",
    "aarch64-unknown-linux-gnu": "77836944ae15b74e0b25bdc68a4703a340f2ccb684effc0f45fbd7910e1a1f39",
    "x86_64-pc-windows-msvc": "8e69ecf1d9fc194e029aafa608d483bf24ccaa8f56d456d7009f20462d62ad23",
    "x86_64-unknown-linux-gnu": "8b14030dd3af9ea7f7c51b4c90feb04afd8a8f45435727e67b875270bd08f3bc",
}

# SHA-256 of the archive for each platform, by URL.
DOWNLOADS = {
    _URL.format(release = _RELEASE, triple = triple): sha256
    for triple, sha256 in _SHA256.items()
}

_BUILD = """\
load("@rules_python//python:defs.bzl", "py_runtime", "py_runtime_pair")
{loads}
package(default_visibility = ["//visibility:public"])

exports_files(["python"])

py_runtime(
    name = "runtime",
    {interpreter},
    {start}
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    target_compatible_with = {constraints},
    toolchain = ":runtime_pair",
    toolchain_type = "@rules_python//python:toolchain_type",
)
{more}"""

_INSTALLED = 'interpreter_path = "{}"'
_DOWNLOADED = """files = glob(
        ["**"],
        exclude = ["**/* *", "**/__pycache__/**", "share/**"],
    ),
    interpreter = "{}\""""

# How a program starts. Windows has a launcher of its own. Elsewhere the default program is a Python
# script, for which some Python must be on PATH; ours is a bash script. Newer versions of rules_python
# have a bash script too, which needs the version of Python.
_OUR_START = """bootstrap_template = ":start.sh.tpl",
    stub_shebang = "#!/usr/bin/env bash","""
_START_OF_RULES_PYTHON = """interpreter_version_info = {"major": "3", "minor": "11"},"""
_START_BY_FLAG = """bootstrap_template = select({
        ":bootstrap_impl_is_script": None,
        "//conditions:default": ":start.sh.tpl",
    }),
    interpreter_version_info = {"major": "3", "minor": "11"},
    stub_shebang = "#!/usr/bin/env bash","""

_BOOTSTRAP_FLAG = """
config_setting(
    name = "bootstrap_impl_is_script",
    flag_values = {"@rules_python//python/config_settings:bootstrap_impl": "script"},
)
"""

# Newer versions of rules_python also look for tools that run in actions, and would download another
# Python for them. We need none.
_LOAD_EXEC_TOOLS = """\
load("@rules_python//python:py_exec_tools_toolchain.bzl", "py_exec_tools_toolchain")
"""
_EXEC_TOOLS = """
py_exec_tools_toolchain(
    name = "exec_tools",
    exec_interpreter = "@rules_python//python:none",
)

toolchain(
    name = "exec_tools_toolchain",
    exec_compatible_with = {constraints},
    toolchain = ":exec_tools",
    toolchain_type = "@rules_python//python:exec_tools_toolchain_type",
)
"""

def _host_triple(rctx):
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    system = rctx.os.name.lower()
    if system.startswith("mac os"):
        return arch + "-apple-darwin"
    if system.startswith("windows"):
        return arch + "-pc-windows-msvc"
    return arch + "-unknown-linux-gnu"

def _constraints(triple):
    arch, _, system = triple.partition("-")
    systems = {"apple-darwin": "macos", "pc-windows-msvc": "windows"}
    return [
        "@platforms//cpu:" + arch,
        "@platforms//os:" + systems.get(system, "linux"),
    ]

def _for_rules_python(rctx, triple, constraints):
    """Returns the parts of the BUILD file that depend on the version of rules_python."""
    python = rctx.path(Label("@rules_python//:BUILD.bazel")).dirname.get_child("python")
    start, more, loads = _OUR_START, "", ""
    if python.get_child("private", "stage1_bootstrap_template.sh").exists:
        start = _START_OF_RULES_PYTHON
        settings = rctx.read(python.get_child("config_settings", "BUILD.bazel"))
        if '"bootstrap_impl"' in settings:
            start = _START_BY_FLAG
            more += _BOOTSTRAP_FLAG
    if "windows" in triple:
        start = ""
    if python.get_child("py_exec_tools_toolchain.bzl").exists:
        loads = _LOAD_EXEC_TOOLS
        more += _EXEC_TOOLS.format(constraints = constraints)
    return {"loads": loads, "more": more, "start": start}

def _check_installed(rctx, path):
    found = rctx.execute([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
    if found.return_code != 0 or found.stdout.strip() != _VERSION:
        fail("CORRIDORKEY_PYTHON={} is not a working Python {}: {}".format(
            path,
            _VERSION,
            found.stdout.strip() or found.stderr.strip(),
        ))

def _python_repository_impl(rctx):
    installed = rctx.getenv("CORRIDORKEY_PYTHON")
    triple = _host_triple(rctx)
    constraints = json.encode(_constraints(triple))
    if installed:
        _check_installed(rctx, installed)
        rctx.symlink(installed, "python")
        interpreter = _INSTALLED.format(installed)
    else:
        if triple not in _SHA256:
            fail(("No Python {version} is pinned for {triple}. Set " +
                  "--repo_env=CORRIDORKEY_PYTHON=/path/to/python{version}.").format(
                version = _VERSION,
                triple = triple,
            ))
        rctx.download_and_extract(
            url = _URL.format(release = _RELEASE, triple = triple),
            sha256 = _SHA256[triple],
            stripPrefix = "python",
        )
        executable = "python.exe" if "windows" in triple else "bin/python" + _VERSION
        rctx.symlink(executable, "python")
        interpreter = _DOWNLOADED.format(executable)
    rctx.template("start.sh.tpl", rctx.attr._start)
    rctx.file("BUILD.bazel", _BUILD.format(
        constraints = constraints,
        interpreter = interpreter,
        **_for_rules_python(rctx, triple, constraints)
    ))

_python_repository = repository_rule(
    implementation = _python_repository_impl,
    doc = "Python 3.11 as a toolchain, and as the file `python` that other repository rules run.",
    attrs = {"_start": attr.label(default = ":start.sh.tpl")},
)

def _interpreter_impl(_mctx):
    _python_repository(name = "python_3_11")

interpreter = module_extension(
    implementation = _interpreter_impl,
    doc = "Declares @python_3_11.",
)
