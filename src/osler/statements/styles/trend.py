"""As `list-recent`, measured quantities with their last three values and the change per day."""

from osler.statements.spec import Style

STYLE = Style(
    name="trend",
    summary="as list-recent, measured quantities with their last three values and slope per day",
    values=3,
    slope=True,
)
