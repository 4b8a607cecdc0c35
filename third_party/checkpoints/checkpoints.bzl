"""The published CorridorKey checkpoints, pinned by revision and digest."""

load(":repository.bzl", "checkpoint_repository")

_GREEN = struct(
    hub_repository = "nikopueringer/CorridorKey_v1.0",
    revision = "f6386ddf042d8e92aeb5fd16cb9b101cff508195",
)
_BLUE = struct(
    hub_repository = "nikopueringer/CorridorKeyBlue_1.0",
    revision = "51e6ccaa4b703f54be20a72ac2c37784fb9ba1cd",
)

CHECKPOINTS = {
    "corridorkey_blue": struct(
        hub = _BLUE,
        file = "CorridorKeyBlue_1.0.safetensors",
        sha256 = "43bc5f6a08a9e5effe5d633d0d84bb0aff91037b35ab85d16cd812b38c5cac23",
        size = 398849256,
    ),
    "corridorkey_green": struct(
        hub = _GREEN,
        file = "CorridorKey_v1.0.safetensors",
        sha256 = "74d614f7d92fc559a118c30a7deadedc3cacd8ef83dcb85a030d0bed7af8b20b",
        size = 398849256,
    ),
    "corridorkey_green_pth": struct(
        hub = _GREEN,
        file = "CorridorKey_v1.0.pth",
        sha256 = "a03827f58e8c79b2ca26031bf67c77db5390dc1718c1ffc5b7aed8b57315788f",
        size = None,  # It is not known here.
    ),
}

def _checkpoints_impl(_module_ctx):
    for name, pin in CHECKPOINTS.items():
        checkpoint_repository(
            name = name,
            checkpoint = name,
            file = pin.file,
            hub_repository = pin.hub.hub_repository,
            revision = pin.hub.revision,
            sha256 = pin.sha256,
            variable = name.upper(),
        )

checkpoints = module_extension(
    implementation = _checkpoints_impl,
    doc = "Declares a repository for each published checkpoint.",
)
