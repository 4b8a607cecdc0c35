"""The wheels of hashed lock files: one hub for each lock, with a py_library `@HUB//NAME` for each wheel.

    wheels = use_extension("//third_party/python:wheels.bzl", "wheels")
    wheels.hub(name = "pypi", lock = "//third_party/python:requirements_lock.txt")
    use_repo(wheels, "pypi")

pip itself unpacks each wheel, with this machine's own pip configuration and pip's cache, which all clones
share. rules_python's pip support takes no part: its API differs from version to version.
"""

# A wheel of torch with its CUDA libraries takes minutes on a slow network.
_TIMEOUT_SECONDS = 3600

_WHEEL = """\
load("@rules_python//python:defs.bzl", "py_library")

py_library(
    name = "pkg",
    srcs = glob(
        ["site-packages/**/*.py"],
        allow_empty = True,
    ),
    data = glob(
        ["site-packages/**"],
        allow_empty = True,
        exclude = [
            "**/* *",
            "**/*.py",
        ],
    ),
    imports = ["site-packages"],
    tags = ["pypi_name={name}"],
    visibility = ["//visibility:public"],
    deps = {deps},
)
"""

_ALIAS = """\
alias(
    name = "{name}",
    actual = "@{hub}_{name}//:pkg",
    visibility = ["//visibility:public"],
)
"""

_REQUIREMENTS = """\
\"\"\"All wheels of the lock.\"\"\"

all_requirements = [str(Label("//" + name)) for name in {names}]
"""

_CANNOT_UNPACK = """pip could not unpack {requirement}:
{problem}
"""
_NO_KIT = "--config=airgap needs a complete kit in {}: tools/AIRGAP.md says how to make one"

def _label_name(name):
    """Returns the name of a package as a part of a label."""
    return name.lower().replace("-", "_").replace(".", "_")

def _read_lock(text):
    """Returns the pins of a lock file: `NAME==VERSION --hash=...` by the name in labels."""
    pins = {}
    for line in text.replace("\\\n", "").splitlines():
        pin = line.partition("#")[0].strip()
        if pin:
            pins[_label_name(pin.partition("==")[0])] = pin
    return pins

def _wheel_repository_impl(rctx):
    attr = rctx.attr
    command = [rctx.path(attr._python), "-IB", rctx.path(attr._unpack), "requirements.txt"]
    command += ["--leave-out=" + path for path in attr.leave_out]
    kit = rctx.getenv("CORRIDORKEY_AIRGAP_KIT")
    if kit:
        folder = rctx.workspace_root.get_child(kit)
        if not folder.get_child("SHA256SUMS").exists:
            fail(_NO_KIT.format(folder))
        command.append("--kit={}".format(folder.get_child("wheels")))
    rctx.file("requirements.txt", attr.pin + "\n")
    unpacked = rctx.execute(command, timeout = _TIMEOUT_SECONDS)
    requirement = attr.pin.partition(" ")[0]
    if unpacked.return_code != 0:
        fail(_CANNOT_UNPACK.format(requirement = requirement, problem = unpacked.stderr.strip()))
    deps = [_label_name(name) for name in json.decode(unpacked.stdout)]
    rctx.file("BUILD.bazel", _WHEEL.format(
        name = requirement.partition("==")[0],
        deps = json.encode_indent(["@{}//{}".format(attr.hub, name) for name in deps]),
    ))

_wheel_repository = repository_rule(
    implementation = _wheel_repository_impl,
    doc = "One wheel as the py_library `:pkg`.",
    attrs = {
        "hub": attr.string(mandatory = True, doc = "Name of the hub."),
        "leave_out": attr.string_list(doc = "Paths in site-packages to remove."),
        "pin": attr.string(mandatory = True, doc = "`NAME==VERSION --hash=...`."),
        "_python": attr.label(default = "@python_3_11//:python"),
        "_unpack": attr.label(default = ":unpack_wheel.py"),
    },
)

def _hub_repository_impl(rctx):
    for name in rctx.attr.names:
        rctx.file(name + "/BUILD.bazel", _ALIAS.format(hub = rctx.attr.hub, name = name))
    rctx.file("BUILD.bazel")
    rctx.file("requirements.bzl", _REQUIREMENTS.format(names = rctx.attr.names))

_hub_repository = repository_rule(
    implementation = _hub_repository_impl,
    doc = "An alias `//NAME` for each wheel of a lock; none is fetched before it is used.",
    attrs = {
        "hub": attr.string(mandatory = True, doc = "Name of the hub."),
        "names": attr.string_list(mandatory = True, doc = "All packages of the lock."),
    },
)

def _wheels_impl(mctx):
    for module in mctx.modules:
        for hub in module.tags.hub:
            pins = _read_lock(mctx.read(hub.lock))
            _hub_repository(name = hub.name, hub = hub.name, names = pins.keys())
            for name, pin in pins.items():
                _wheel_repository(
                    name = "{}_{}".format(hub.name, name),
                    hub = hub.name,
                    leave_out = hub.leave_out,
                    pin = pin,
                )
    return mctx.extension_metadata(reproducible = True)

wheels = module_extension(
    implementation = _wheels_impl,
    doc = "Declares a hub of wheels, and a repository HUB_NAME for each wheel in it.",
    tag_classes = {
        "hub": tag_class({
            "leave_out": attr.string_list(doc = "Paths in site-packages that no wheel keeps."),
            "lock": attr.label(mandatory = True, doc = "What pip-compile --generate-hashes writes."),
            "name": attr.string(mandatory = True, doc = "Name of the hub's repository."),
        }),
    },
)
