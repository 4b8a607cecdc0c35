"""Declares `//:sources`, which holds every source file; each BUILD file calls `sources()`."""

# Files that .gitignore names and that a glob would find.
_NOT_OURS = [
    "**/.*_cache/**",
    "**/.hypothesis/**",
    "**/__pycache__/**",
    "MODULE.bazel.lock",
    "user.bazelrc",
]

def sources(name = "sources", modules = {}):
    """Declares `:sources`: the files of this package and `:sources` of each package below it.

    No file can be forgotten. The glob finds new files, and a new package whose BUILD file does not
    call `sources()` fails every target that depends on `//:sources`, the lint test among them.
    Because the files are declared inputs, the lint test is cached until a file changes.

    Args:
      name: Name of the target. The packages above expect the default.
      modules: Folders that are modules of their own, which .bazelignore hides from a glob, each
        with a filegroup of its files.
    """
    package = native.package_name()
    files = ["**"]
    packages = ["**"]
    if not package:
        # At the top, ** would follow Bazel's convenience links and walk through .git and a kit.
        entries = native.glob(
            ["*"],
            allow_empty = True,
            exclude = ["airgap_kit", "bazel-*", "corridorkey_demo"],
            exclude_directories = 0,
        )
        rooms = [entry + "/**" for entry in entries if entry[0] != "."]
        files = ["*", ".ci/**", ".github/**"] + rooms
        packages = ["*"] + rooms
    native.filegroup(
        name = name,
        srcs = native.glob(files, allow_empty = True, exclude = _NOT_OURS) + modules.values() + [
            "//{}:sources".format("/".join([package, below]).lstrip("/"))
            for below in native.subpackages(
                include = packages,
                exclude = ["bazel-*"] + [module + "/**" for module in modules],
                allow_empty = True,
            )
        ],
        visibility = ["//:__subpackages__"],
    )
