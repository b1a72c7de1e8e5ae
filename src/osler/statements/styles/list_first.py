"""As `list-recent`, with the first event of each code instead of its latest (the paper's variant)."""

from osler.statements.spec import Style

STYLE = Style(name="list-first", summary="one line per code, its first value, newest first", pick="first")
