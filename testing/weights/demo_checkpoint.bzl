"""Declares checkpoints of demo weights."""

def demo_checkpoint(name, resolution, screen = "green", tags = [], visibility = None):
    """A genrule that writes the demo weights of one resolution.

    Args:
      name: the target; the file is NAME.safetensors.
      resolution: side of the image, in pixels.
      screen: color of the screens to key, green or blue.
      tags: as for any target.
      visibility: as for any target.
    """
    native.genrule(
        name = name,
        outs = [name + ".safetensors"],
        cmd = " ".join([
            "$(execpath //testing/weights:write_demo_checkpoint)",
            "--resolution={}".format(resolution),
            "--screen={}".format(screen),
            "--output=$@",
        ]),
        tags = tags,
        tools = ["//testing/weights:write_demo_checkpoint"],
        visibility = visibility,
    )
