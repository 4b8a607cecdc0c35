"""From measurements to medians, with their spread, and ratios: as rows, a table and a picture."""

import statistics
from pathlib import Path
from typing import Any

from rich.table import Table

from testing.benchmark.measurements import Figures, Setting

Row = dict[str, Any]
"""One thing that was measured, for both contenders; as in the JSON file."""

_UNITS = {"seconds": (1.0, "s"), "cpu_seconds": (1.0, "s"), "peak_bytes": (1e9, "GB")}


class Findings:
    """The figures of both contenders, round after round."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, list[float]]] = {}

    def add(self, name: str, figures: Figures) -> None:
        """Keeps what one process found of a contender."""
        for what, quantities in figures.items():
            for quantity, value in quantities.items():
                of_both = self._values.setdefault((what, quantity), {})
                of_both.setdefault(name, []).append(value)

    def rows(self, setting: Setting) -> list[Row]:
        """A row for each thing and quantity: median, least and greatest, and plain over ours."""
        rows: list[Row] = []
        for (what, quantity), of_both in self._values.items():
            row: Row = {**setting._asdict(), "what": what, "quantity": quantity}
            for name, values in of_both.items():
                row[name] = [statistics.median(values), min(values), max(values)]
            rows.append(row | {"ratio": row["plain"][0] / row["ours"][0]})
        return rows


def table(rows: list[Row]) -> Table:
    """The rows for a terminal; a ratio above 1 is in our favour."""
    shown = Table("", "", "plain", "ours", "plain / ours")
    for row in rows:
        where = f"{row['resolution']} {row['device']} {row['dtype']}: {row['what']}"
        cells = [_cell(row[name], row["quantity"]) for name in ("plain", "ours")]
        shown.add_row(where, row["quantity"], *cells, f"{row['ratio']:.2f}")
    return shown


def _cell(values: list[float], quantity: str) -> str:
    scale, unit = _UNITS[quantity]
    median, least, greatest = (value / scale for value in values)
    return f"{median:.2f} {unit} ({least:.2f}–{greatest:.2f})"


def plot(rows: list[Row], file: Path) -> None:
    """Draws the ratios as bars, a panel for each setting."""
    import matplotlib.figure  # only here: the figures are wanted without it, too

    settings = list(dict.fromkeys((row["resolution"], row["device"], row["dtype"]) for row in rows))
    figure = matplotlib.figure.Figure(figsize=(7 * len(settings), 5), layout="constrained")
    for panel, setting in zip(
        figure.subplots(1, len(settings), squeeze=False)[0], settings, strict=True
    ):
        mine = [row for row in rows if (row["resolution"], row["device"], row["dtype"]) == setting]
        mine = [row for row in mine if row["quantity"] != "cpu_seconds"]
        labels = [f"{row['what']}, {_UNITS[row['quantity']][1]}" for row in mine]
        bars = panel.barh(labels, [row["ratio"] for row in mine])
        panel.bar_label(bars, fmt="%.2f", padding=3)
        panel.margins(x=0.12)  # room for the longest bar's label
        panel.axvline(1, color="black", linewidth=1)
        panel.invert_yaxis()
        panel.set_title(" ".join(map(str, setting)))
        panel.set_xlabel("plain / ours")
    figure.savefig(file)
