"""What a study may say about its report."""

from pydantic import Field

from osler.base.settings import Settings


class ReportSettings(Settings):
    """The `report` block of a study.

    Attributes:
        patients: how many patients the private page shows with their text; 0 shows three.
        min_cell: cells of 1 to this many patients are suppressed in the shareable page, together with the
            cells that they could be recomputed from.
    """

    patients: int = Field(default=0, ge=0, le=50)
    min_cell: int = Field(default=10, ge=0)
