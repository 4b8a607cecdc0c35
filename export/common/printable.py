"""Re-exports `wrapper.printable` for tools/ and third_party/, which import export/common only."""

from wrapper.printable import printable

__all__ = ["printable"]
