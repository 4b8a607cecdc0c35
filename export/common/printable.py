"""Re-exports `wrapper.printable` for tools/ and third_party/, which import export/common only."""

from wrapper.printable import printable, printable_lines

__all__ = ["printable", "printable_lines"]
