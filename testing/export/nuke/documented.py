"""What is published of the nodes that the kit uses: knobs, inputs, values.

From a listing of the nodes of Nuke 17.0v3 (github.com/kirkjr2/nuke-python-reference), and from
published gizmos for Nuke 13.1 and later: those of Foundry's Cattery, and
github.com/pedroCabrera/CatteryNodes.
"""

COMMON = frozenset({"inputs", "name", "xpos", "ypos"})

KNOBS = {
    "Assert": {"expression", "message"},
    "CatFileCreator": {
        "catFile",
        "channelsIn",
        "channelsOut",
        "modelId",
        "outputScale",
        "torchScriptFile",
    },
    "Colorspace": {"channels", "colorspace_in", "colorspace_out"},
    "Copy": {f"{end}{i}" for end in ("from", "to") for i in range(4)},
    "Expression": {f"{knob}{i}" for knob in ("channel", "expr") for i in range(4)},
    "Gizmo": set(),
    "Inference": {"halfPrecision", "modelFile", "serialiseKnob", "useGPUIfAvailable"},
    "Input": {"number"},
    "Merge2": {"operation"},
    "Output": set(),
    "Premult": {"alpha", "channels"},
    "Read": {"file", "file_type", "first", "last", "origfirst", "origlast", "raw"},
    "Shuffle2": {"fromInput1", "fromInput2", "in1", "in2", "mappings", "out1", "out2"},
    "Switch": {"which"},
    "Viewer": set(),
    "Write": {"channels", "file", "file_type"},
}

INPUTS = {
    "Assert": {1},
    "CatFileCreator": {0},
    "Colorspace": {1},
    "Copy": {2},
    "Expression": {1},
    "Gizmo": {0},  # of those on the stack of its own file
    "Inference": {1},
    "Input": {0},
    "Merge2": {2},
    "Output": {1},
    "Premult": {1},
    "Read": {0},
    "Shuffle2": {1, 2},
    "Switch": {2, 3},
    "Viewer": {1},
    "Write": {1},
}

VALUES = {
    ("Colorspace", "colorspace_in"): {"sRGB"},
    ("Colorspace", "colorspace_out"): {"sRGB"},
    ("Merge2", "operation"): {"over"},
    ("Read", "file_type"): {"exr"},
    ("Read", "raw"): {"true", "false"},
    ("Write", "channels"): {"all", "rgba"},
    ("Write", "file_type"): {"exr"},
}
"""Of enumerations and the like, of the values there are those that the kit may use."""

USER_KNOB_KINDS = {"3": "int", "4": "enumeration", "6": "checkbox", "7": "float", "20": "tab"} | {
    "26": "text",
    "41": "link",
}
