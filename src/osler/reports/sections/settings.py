"""The resolved study: every setting, so that the run can be done again."""

from typing import Any

from osler.reports.blocks import Block, Column, Details, Paragraph, Row, Section, Table, say
from osler.reports.runfiles import STUDY, RunFiles
from osler.reports.words import shown_path


def section(run: RunFiles) -> Section | None:
    """Settings by key path."""
    rows = tuple(
        Row((say("<code>{}</code>", path), value))
        for path, value in _leaves(run.study)
        if path != "format_version"
    )
    table = Table(
        "Settings as the run used them",
        (Column("Key", numeric=False), Column("Value", numeric=False)),
        rows,
        files=(STUDY,),
    )
    blocks: tuple[Block, ...] = (
        Paragraph("Defaults are written out. Folders above a path are left out."),
        Details(f"All {len(rows)} settings", (table,)),
    )
    return Section("settings", "Settings", blocks)


def _leaves(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Key paths and values, lists of plain values in one line.

    Examples:
        >>> _leaves({"a": {"b": [1, 2]}, "c": None})
        [('a.b', '1, 2'), ('c', 'none')]
    """
    if isinstance(value, dict) and value:
        return [
            leaf
            for key, inner in value.items()
            for leaf in _leaves(inner, f"{path}.{key}" if path else str(key))
        ]
    if isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        return [leaf for place, inner in enumerate(value) for leaf in _leaves(inner, f"{path}.{place}")]
    if isinstance(value, list):
        return [(path, ", ".join(_plain(item) for item in value) or "none")]
    return [(path, _plain(value))]


def _plain(value: Any) -> str:
    if value is None or value == {}:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown_path(str(value))
