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
