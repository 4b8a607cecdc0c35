"""Nuke runs this as it starts: the folder of the gizmo and its .cat joins the plug-in path."""

import nuke

nuke.pluginAddPath("./Cattery/CorridorKey")
