"""Sections with headings; vitals and laboratory values with their last three values and their limits.

Source: the earlier serialization of "Large language models are powerful EHR encoders" (npj Digit Med 2026).
"""

from osler.record import schema
from osler.statements.spec import MEASURED_SECTIONS, Glue, Style

STYLE = Style(
    name="markdown",
    summary="sections with headings, last three measurements with low/normal/high",
    values=3,
    values_in=(*MEASURED_SECTIONS, schema.OTHER),
    ranges=True,
    days_before_in=(schema.VISITS,),
    sections=True,
    glue=Glue(section_open="## {heading}\n- ", section_join="\n\n", between="\n- "),
)
