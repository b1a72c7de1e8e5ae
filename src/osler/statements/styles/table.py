"""A flat record as in its data dictionary: groups as headings, one row `label: value` per variable."""

from osler.statements.spec import Glue, Style

STYLE = Style(
    name="table",
    summary="flat records: dictionary groups as headings, rows label: value in dictionary order",
    sections=True,
    order="code",
    glue=Glue(section_open="{heading}\n", section_join="\n\n"),
)
