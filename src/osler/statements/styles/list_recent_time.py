"""As `list-recent`, each line begins with the date of its event (the paper's `w_time` variant)."""

from osler.statements.spec import Style

STYLE = Style(
    name="list-recent+time", summary="as list-recent, each line after the date of its event", dates=True
)
