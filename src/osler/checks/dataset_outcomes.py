"""Are there columns of a table, taken as known at baseline, whose name says that they came later?

Only the columns of a table (`COL//`) take their time from their row and not from their own: other events say
themselves when they were known, and `label_leaks` looks at what the samples of a task see.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from osler.base.files import read_json
from osler.checks.finding import WARNING, Finding, example, listed
from osler.checks.place import Place
from osler.record.sources.table import SUMMARY
from osler.record.sources.table_columns import CODE_PREFIX
from osler.record.sources.table_report import suggests_outcome


def check(place: Place) -> list[Finding]:
    """Codes of columns at baseline with a name or description that suggests an outcome."""
    survey = place.survey
    if survey is None:
        return []
    checked = _checked(survey.path)
    book = survey.dataset.codes.filter(
        pl.col("code").str.starts_with(CODE_PREFIX)
        & (pl.col("role").is_null() | (pl.col("role") == "baseline"))
    )
    suspected = [
        code
        for code, description in book.select("code", "description").iter_rows()
        if suggests_outcome(code.removeprefix(CODE_PREFIX), description)
        and not any(fnmatchcase(code.removeprefix(CODE_PREFIX), pattern) for pattern in checked)
    ]
    if not suspected:
        return []
    return [
        Finding(
            WARNING,
            f"columns that every prediction sees, and whose name or label suggests an outcome: "
            f"{listed(suspected)}",
            file=str(survey.path / "metadata" / "codes.parquet"),
            column="role",
            count=len(suspected),
            example=example(code=suspected[0]),
            remedy="was this known at the prediction time? If not, name them in `outcome` or `after` of the "
            "table's spec and ingest again; if so, name them in `baseline`",
        )
    ]


def _checked(dataset: Path) -> list[str]:
    """Columns, or patterns of them, that a person declared to be known at baseline."""
    path = dataset / SUMMARY
    if not path.is_file():
        return []
    return list((read_json(path).get("spec") or {}).get("baseline") or [])
