"""Text styles by name. A new style is one file here and one line below."""

from importlib import import_module

from osler.base.errors import InputError
from osler.statements.spec import Style

STYLES: dict[str, str] = {
    "list-recent": "osler.statements.styles.list_recent",
    "list-first": "osler.statements.styles.list_first",
    "list-recent+time": "osler.statements.styles.list_recent_time",
    "markdown": "osler.statements.styles.markdown",
    "json": "osler.statements.styles.json",
    "table": "osler.statements.styles.table",
    "trend": "osler.statements.styles.trend",
    "notes": "osler.statements.styles.notes",
}


def style(name: str) -> Style:
    """The text style of a name.

    Raises:
        InputError: there is no such style.

    Examples:
        >>> style("list-recent").values
        1
    """
    if name not in STYLES:
        raise InputError(f"no text style '{name}'", allowed=STYLES, remedy="name one of these")
    spec: Style = import_module(STYLES[name]).STYLE
    return spec
