"""The one summary that a command prints on standard output."""

import json
from typing import Any


def show_summary(summary: dict[str, Any], *, as_json: bool) -> None:
    """Print a summary: `name: value` lines, or one JSON object.

    Args:
        summary: JSON-ready values; nested values are shown in JSON.
        as_json: whether to print JSON.
    """
    if as_json:
        print(json.dumps(summary, ensure_ascii=False, default=str))
        return
    width = max((len(name) for name in summary), default=0)
    for name, value in summary.items():
        print(f"{name:<{width}}  {_plain(value)}")


def show_table(columns: list[str], rows: list[list[str]]) -> None:
    """Print a table with a heading, columns aligned."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def number_cell(value: float | None, *, percent: bool = False) -> str:
    """A number for a table, with two decimals or in per cent; `-` where there is none.

    Examples:
        >>> number_cell(0.256), number_cell(0.256, percent=True), number_cell(None)
        ('0.26', '26%', '-')
    """
    if value is None:
        return "-"
    return f"{value:.0%}" if percent else f"{value:.2f}"


def interval_cell(found: dict[str, Any], *, percent: bool = False) -> str:
    """`value`, `low` and `high` for a table.

    Examples:
        >>> interval_cell({"value": 0.5, "low": 0.4, "high": 0.6}, percent=True)
        '50% (40% to 60%)'
    """
    value, low, high = (number_cell(found[name], percent=percent) for name in ("value", "low", "high"))
    return value if "-" in (value, low, high) else f"{value} ({low} to {high})"


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
