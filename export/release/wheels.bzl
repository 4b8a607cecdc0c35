"""Lists the wheels that a program runs on, as Bazel knows them; there is no list to maintain."""

_WheelsInfo = provider(
    "The wheels that a target depends on.",
    fields = {
        "imported": "depset of the names of the wheels that it imports itself",
        "wheels": "depset of struct(metadata, requires)",
    },
)

def _wheels_aspect_impl(_target, ctx):
    below = [
        dep[_WheelsInfo]
        for attribute in ("binary", "deps")
        for dep in getattr(ctx.rule.attr, attribute, None) or []
        if _WheelsInfo in dep
    ]
    imported = depset(transitive = [info.imported for info in below])
    wheels = [info.wheels for info in below]

    # The rule in third_party/python/wheels.bzl tags each wheel with its name.
    names = [
        tag.removeprefix("pypi_name=")
        for tag in ctx.rule.attr.tags
        if tag.startswith("pypi_name=")
    ]
    if not names:
        return _WheelsInfo(imported = imported, wheels = depset(transitive = wheels))
    metadata = [
        file
        for file in ctx.rule.files.data
        if file.path.endswith(".dist-info/METADATA")
    ]
    wheel = struct(
        metadata = metadata[0],
        requires = tuple(imported.to_list()),
    )
    return _WheelsInfo(
        imported = depset(names),
        wheels = depset([wheel], transitive = wheels),
    )

_wheels_aspect = aspect(
    implementation = _wheels_aspect_impl,
    attr_aspects = ["binary", "deps"],
)

def _wheels_of_impl(ctx):
    info = ctx.attr.program[_WheelsInfo]
    wheels = info.wheels.to_list()
    listing = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(listing, json.encode({
        "imported": info.imported.to_list(),
        "wheels": [
            {
                # Relative to the folder of external repositories, wherever that is.
                "metadata": wheel.metadata.short_path.removeprefix("../"),
                "requires": wheel.requires,
            }
            for wheel in wheels
        ],
    }))
    metadata = depset([wheel.metadata for wheel in wheels])
    return DefaultInfo(files = depset([listing]), runfiles = ctx.runfiles(transitive_files = metadata))

wheels_of = rule(
    implementation = _wheels_of_impl,
    doc = "Writes NAME.json, the wheels that a program runs on; their metadata are its runfiles.",
    attrs = {
        "program": attr.label(aspects = [_wheels_aspect], cfg = "exec", mandatory = True),
    },
)
