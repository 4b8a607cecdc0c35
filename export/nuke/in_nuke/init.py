"""Adds the folder of the gizmo and its .cat files to Nuke's plug-in path, as Nuke starts."""

import nuke

nuke.pluginAddPath("./Cattery/CorridorKey_v1_Nuke")
