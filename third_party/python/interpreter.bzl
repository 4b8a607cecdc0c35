"""The one Python interpreter, for every Python action and for pip: `@python_3_11`.

By default a python-build-standalone release, pinned by digest.
`--repo_env=CORRIDORKEY_PYTHON=/path/to/python3.11` puts an installed interpreter in its place; that
is how the air-gapped root brings its own.
"""

_VERSION = "3.11"
_RELEASE = "20260414"
_URL = ("https://github.com/astral-sh/python-build-standalone/releases/download/{release}/" +
        "cpython-3.11.15+{release}-{triple}-install_only.tar.gz")
_SHA256 = {
    "aarch64-apple-darwin": "a57ffd435652092d16b30e783f9826c55e9c64b0f0a72cbae0a9f39e663137fb",
    "aarch64-unknown-linux-gnu": "77836944ae15b74e0b25bdc68a4703a340f2ccb684effc0f45fbd7910e1a1f39",
    "x86_64-apple-darwin": "317055d80e553764feeaef432d833dd8385c14b83465a8b3fa7c2b7819cba681",
    "x86_64-pc-windows-msvc": "8e69ecf1d9fc194e029aafa608d483bf24ccaa8f56d456d7009f20462d62ad23",
    "x86_64-unknown-linux-gnu": "8b14030dd3af9ea7f7c51b4c90feb04afd8a8f45435727e67b875270bd08f3bc",
}

# What may be downloaded, one for each platform: SHA-256 by URL.
DOWNLOADS = {
    _URL.format(release = _RELEASE, triple = triple): sha256
    for triple, sha256 in _SHA256.items()
}

_BUILD = """\
load("@rules_python//python:defs.bzl", "py_runtime", "py_runtime_pair")

package(default_visibility = ["//visibility:public"])

exports_files(["python"])

py_runtime(
    name = "runtime",
    {interpreter},
    python_version = "PY3",
)

py_runtime_pair(
    name = "runtime_pair",
    py3_runtime = ":runtime",
)

toolchain(
    name = "toolchain",
    toolchain = ":runtime_pair",
    toolchain_type = "@bazel_tools//tools/python:toolchain_type",
)
"""

_INSTALLED = 'interpreter_path = "{}"'
_DOWNLOADED = """files = glob(
        ["**"],
        exclude = ["**/* *", "**/__pycache__/**", "share/**"],
    ),
    interpreter = "{}\""""

def _host_triple(rctx):
    arch = {"amd64": "x86_64", "arm64": "aarch64"}.get(rctx.os.arch, rctx.os.arch)
    system = rctx.os.name.lower()
    if system.startswith("mac os"):
        return arch + "-apple-darwin"
    if system.startswith("windows"):
        return arch + "-pc-windows-msvc"
    return arch + "-unknown-linux-gnu"

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
    if installed:
        _check_installed(rctx, installed)
        rctx.symlink(installed, "python")
        interpreter = _INSTALLED.format(installed)
    else:
        triple = _host_triple(rctx)
        if triple not in _SHA256:
            fail("no Python {version} is pinned for {triple}; ".format(
                version = _VERSION,
                triple = triple,
            ) + "set --repo_env=CORRIDORKEY_PYTHON=/path/to/python" + _VERSION)
        rctx.download_and_extract(
            url = _URL.format(release = _RELEASE, triple = triple),
            sha256 = _SHA256[triple],
            stripPrefix = "python",
        )
        executable = "python.exe" if "windows" in triple else "bin/python" + _VERSION
        rctx.symlink(executable, "python")
        interpreter = _DOWNLOADED.format(executable)
    rctx.file("BUILD.bazel", _BUILD.format(interpreter = interpreter))

_python_repository = repository_rule(
    implementation = _python_repository_impl,
    doc = "A Python 3.11: a toolchain, and the file `python` for pip to run.",
)

def _interpreter_impl(_module_ctx):
    _python_repository(name = "python_3_11")

interpreter = module_extension(
    implementation = _interpreter_impl,
    doc = "Declares @python_3_11.",
)
