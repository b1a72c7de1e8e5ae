"""Sections with headings; vitals and laboratory values with their last three values and their limits.

Source: the earlier serialization of "Large language models are powerful EHR encoders" (npj Digit Med 2026).
"""

from osler.record import schema
from osler.statements.spec import Glue, Style

STYLE = Style(
    name="markdown",
    summary="sections with headings, last three measurements with low/normal/high",
    values=3,
    values_not_in=(
        schema.DEMOGRAPHICS,
        schema.VISITS,
        schema.CONDITIONS,
        schema.MEDICATIONS,
        schema.PROCEDURES,
    ),
    ranges=True,
    days_before_in=(schema.VISITS,),
    sections=True,
    glue=Glue(section_open="## {heading}\n- ", section_join="\n\n", between="\n- "),
)
