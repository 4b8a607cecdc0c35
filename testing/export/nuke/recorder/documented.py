"""Lists what is published about the nodes that the kit uses: knobs, inputs and values.

README.md names the file or page that shows each form.
"""

from export.nuke.cat_files import KIT_NAME

COMMON = frozenset({"inputs", "name", "xpos", "ypos"})

_EXPRESSION = {
    f"{knob}{i}" for knob in ("channel", "expr", "temp_name", "temp_expr") for i in range(4)
}

KNOBS = {
    "Assert": {"expression", "message"},
    "BlackOutside": set(),
    "Blur": {"channels", "disable", "size"},
    "CatFileCreator": {
        "catFile",
        "channelsIn",
        "channelsOut",
        "modelId",
        "outputScale",
        "torchScriptFile",
    },
    "ChannelMerge": {"A", "B", "bbox", "operation", "output"},
    "Clamp": {"channels"},
    "ColorMatrix": {"disable", "matrix"},
    "Colorspace": {"channels", "colorspace_in", "colorspace_out", "disable"},
    "Copy": {f"{end}{i}" for end in ("from", "to") for i in range(4)} | {"bbox"},
    "Constant": {"color"},
    "Crop": {"box", "crop"},
    "Expression": _EXPRESSION,
    "FilterErode": {"channels", "disable", "size"},
    "Gizmo": {"label"},
    "Grade": {"blackpoint", "channels", "disable", "gamma", "white_clamp", "whitepoint"},
    "Inference": {"halfPrecision", "modelFile", "serialiseKnob", "useGPUIfAvailable"},
    "Input": {"number"},
    "Invert": {"channels", "disable"},
    "Keymix": {"bbox", "channels", "maskChannel", "mix"},
    "Merge2": {"bbox", "operation"},
    "ModifyMetaData": {"metadata"},
    "Output": set(),
    "Premult": {"alpha", "channels"},
    "Read": {"file", "file_type", "first", "last", "origfirst", "origlast", "raw"},
    "Reformat": {
        "box_fixed",
        "box_height",
        "box_pixel_aspect",
        "box_width",
        "disable",
        "resize",
        "type",
    },
    "Remove": {"channels", "channels2", "channels3", "channels4", "operation"},
    "Switch": {"which"},
    "Text2": {"box", "global_font_scale", "label", "message", "output", "xjustify", "yjustify"},
    "Viewer": set(),
    "Write": {"channels", "create_directories", "file", "file_type", "metadata"},
    KIT_NAME: {"linear_output"},
}

INPUTS = {
    "CatFileCreator": {0},
    "ChannelMerge": {2},
    "Copy": {2},
    "Gizmo": {0},  # a gizmo takes none from the stack of its own file
    "Input": {0},
    "Keymix": {3},
    "Merge2": {2},
    "Read": {0},
    "Switch": {2, 4, 7},
    KIT_NAME: {2},
}
"""Numbers of inputs. A class that is not here has exactly one."""

VALUES = {
    ("ChannelMerge", "bbox"): {"B"},
    ("ChannelMerge", "operation"): {"max", "stencil"},
    ("Colorspace", "colorspace_in"): {"sRGB"},
    ("Colorspace", "colorspace_out"): {"sRGB"},
    ("Copy", "bbox"): {"B"},
    ("Crop", "box"): {"0 0 {width} {height}"},
    ("Crop", "crop"): {"false"},
    ("Keymix", "bbox"): {"B"},
    ("Keymix", "channels"): {"rgba"},
    ("Merge2", "bbox"): {"B"},
    ("Merge2", "operation"): {"over"},
    ("Read", "file_type"): {"exr"},
    ("Read", "raw"): {"true", "false"},
    ("Reformat", "resize"): {"distort"},
    ("Reformat", "type"): {"to box"},
    ("Remove", "operation"): {"keep"},
    ("Text2", "box"): {"0 0 {input.width} {input.height}"},
    ("Text2", "output"): {"rgba"},
    ("Text2", "xjustify"): {"center"},
    ("Text2", "yjustify"): {"center"},
    ("Write", "channels"): {"all", "rgba"},
    ("Write", "file_type"): {"exr"},
    ("Write", "metadata"): {"all metadata"},
}
"""For enumerations and similar knobs: the documented values that the kit may use."""

USER_KNOB_CLASSES = {
    "3": "int",
    "4": "enumeration",
    "6": "checkbox",
    "7": "float",
    "20": "tab",
    "26": "text",
    "41": "link",
}
