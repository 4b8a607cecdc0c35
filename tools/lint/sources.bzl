"""Every source file, as a target: `sources()` in each BUILD file, collected by `//:sources`."""

# What .gitignore names, where a glob would find it.
_NOT_OURS = [
    "**/.*_cache/**",
    "**/.hypothesis/**",
    "**/__pycache__/**",
    "MODULE.bazel.lock",
    "user.bazelrc",
]

def sources(name = "sources", modules = {}):
    """Declares `:sources`: all the files of this package, and `:sources` of each package below it.

    Nothing can be forgotten: a new file is in the glob, and a new package whose BUILD file does not
    say `sources()` stops whatever depends on `//:sources`, lint first. And as they are declared
    inputs, a lint result is cached until a file changes, is added or goes.

    Args:
      name: the target; the packages above look for the default.
      modules: folders that are modules of their own, which .bazelignore keeps a glob out of; and
        for each a filegroup that lists what is in it.
    """
    package = native.package_name()
    files = ["**"]
    packages = ["**"]
    if not package:
        # At the top ** would follow Bazel's convenience links, walk .git and an air-gap kit.
        entries = native.glob(
            ["*"],
            allow_empty = True,
            exclude = ["airgap_kit", "bazel-*"],
            exclude_directories = 0,
        )
        rooms = [entry + "/**" for entry in entries if entry[0] != "."]
        files = ["*", ".ci/**"] + rooms
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
