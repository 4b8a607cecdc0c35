"""Adds CorridorKey to Nuke's toolbar. An error here is printed and never stops Nuke."""

try:
    import corridorkey_v1_nuke

    corridorkey_v1_nuke.add_menu(__file__)
except Exception as error:
    print(f"CorridorKey: no menu: {type(error).__name__}: {error}")
