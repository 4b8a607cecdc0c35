"""Turns measurements into medians with their spread: as rows, a table and a picture."""

import statistics
from pathlib import Path
from typing import Any

from rich.table import Table

from testing.benchmark.measurements import Setting
from testing.benchmark.processes import Figures

Row = dict[str, Any]
"""One quantity of all contenders; an entry of the JSON file's `rows`."""

_COLUMNS = ("plain", "ours", "fast", "compiled")
_UNITS = {
    "seconds": (1.0, "s"),
    "cpu_seconds": (1.0, "s"),
    "kernel_seconds": (1.0, "s"),
    "predicted_seconds": (1.0, "s"),
    "peak_bytes": (1e9, "GB"),
    "reserved_bytes": (1e9, "GB"),
}


class Findings:
    """The figures of all contenders in one setting, round after round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, list[float]]] = {}

    def add(self, name: str, figures: Figures) -> None:
        """Adds the figures of one process about one contender."""
        for what, quantities in figures.items():
            for quantity, value in quantities.items():
                contenders = self._values.setdefault((what, quantity), {})
                contenders.setdefault(name, []).append(value)

    def rows(self, setting: Setting) -> list[Row]:
        """Returns a row per quantity: median, least and greatest of each contender.

        A row that has both also has the `ratio` of plain to ours.
        """
        rows: list[Row] = []
        for (what, quantity), contenders in self._values.items():
            row: Row = {**setting._asdict(), "what": what, "quantity": quantity}
            for name, values in contenders.items():
                row[name] = [statistics.median(values), min(values), max(values)]
            if "plain" in row and "ours" in row:
                row["ratio"] = row["plain"][0] / row["ours"][0]
            rows.append(row)
        return rows


def table(rows: list[Row]) -> Table:
    """Formats the rows for a terminal; a ratio above 1 is in our favor."""
    result = Table("", "", *_COLUMNS, "plain / ours")
    for row in rows:
        where = f"{row['resolution']} {row['device']} {row['dtype']}: {row['what']}"
        cells = [_cell(row[name], row["quantity"]) if name in row else "" for name in _COLUMNS]
        ratio = f"{row['ratio']:.2f}" if "ratio" in row else ""
        result.add_row(where, row["quantity"], *cells, ratio)
    return result


def _cell(values: list[float], quantity: str) -> str:
    scale, unit = _UNITS[quantity]
    median, least, greatest = (value / scale for value in values)
    return f"{median:.2f} {unit} ({least:.2f}–{greatest:.2f})"


def plot(rows: list[Row], file: Path) -> None:
    """Draws the ratios as bars, a panel per setting.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib.figure  # optional; only this function needs it

    rows = [row for row in rows if "ratio" in row and row["quantity"] != "cpu_seconds"]
    settings = list(dict.fromkeys((row["resolution"], row["device"], row["dtype"]) for row in rows))
    figure = matplotlib.figure.Figure(figsize=(7 * len(settings), 5), layout="constrained")
    panels = figure.subplots(1, max(1, len(settings)), squeeze=False)[0]
    for panel, setting in zip(panels, settings, strict=False):
        mine = [row for row in rows if (row["resolution"], row["device"], row["dtype"]) == setting]
        labels = [f"{row['what']}, {row['quantity']}" for row in mine]
        bars = panel.barh(labels, [row["ratio"] for row in mine])
        panel.bar_label(bars, fmt="%.2f", padding=3)
        panel.margins(x=0.12)  # room for the longest bar's label
        panel.axvline(1, color="black", linewidth=1)
        panel.invert_yaxis()
        panel.set_title(" ".join(map(str, setting)))
        panel.set_xlabel("plain / ours")
    figure.savefig(file)
