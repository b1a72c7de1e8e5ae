"""Notes only: one sentence is one statement, the newest note first."""

from osler.statements.spec import Style

STYLE = Style(name="notes", summary="notes only, one sentence per line", events=False, notes="sentences")
