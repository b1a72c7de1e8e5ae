"""Source formats: what each is, and how it becomes a dataset. Adding a format is a spec and one line here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError

if TYPE_CHECKING:
    from osler.record.mapping.options import IngestOptions

TABLE = "table"
TABLES = "tables"

# Format -> what it is. All but `table` and `tables` have a built-in spec, `<format>.yaml` beside this file.
FORMATS = {
    TABLE: "one table with a row per patient or visit, and its data dictionary",
    "omop": "OMOP CDM 5.3 or 5.4: CSV or Parquet, or a PostgreSQL database by its URL",
    "fhir": "FHIR R4: bulk export (NDJSON) or Bundles, as files, folder or archive",
    "mimic4": "MIMIC-IV: hosp, icu, ed and note",
    "mimic3": "MIMIC-III",
    "eicu": "eICU Collaborative Research Database",
    "clif": "Common Longitudinal ICU data Format",
    "synthea-csv": "Synthea's own CSV export",
    "long": "a table of subject, time, parameter and value",
    "notes": "a table of notes: subject, time, kind and text",
    TABLES: "any folder of tables, with a spec of your own",
}


def ingest(
    format_name: str,
    source: str | Path,
    spec: Path | None,
    out: Path,
    *,
    options: "IngestOptions | None" = None,
    timezone: str | None = None,
    vocabulary: tuple[Path, ...] = (),
    append: bool = False,
) -> dict[str, Any]:
    """Turn a source into a MEDS dataset.

    Args:
        format_name: one of `FORMATS`.
        source: the source's file or folder, or the URL of a PostgreSQL database (`postgresql://...`).
        spec: a YAML file that says what the source's parts mean. Without it the format's own spec is taken;
            `table` and `tables` have none.
        out: folder of the dataset; new or empty, or with `append` the dataset that is continued.
        options: memory, number of subjects and others; not for `table`.
        timezone: zone in which times with a zone are told; None: as the spec says. Not for `table`.
        vocabulary: files or folders that describe codes; not for `table`.
        append: whether the source continues the dataset in `out`; not for `table`.

    Returns:
        The summary of the format, JSON-ready, as in `metadata/ingest.json`.

    Raises:
        InputError: unknown format, or whatever is wrong with the source or its spec.
    """
    require_format(format_name)
    if format_name != TABLE:
        from osler.record.sources.mapped import ingest_mapped

        return ingest_mapped(
            format_name,
            source,
            spec,
            out,
            options=options,
            timezone=timezone,
            vocabulary=vocabulary,
            append=append,
        )
    if append or timezone or vocabulary or options is not None:
        raise InputError(
            "the format 'table' takes no other options than its spec: no --append, --limit, --memory, "
            "--timezone, --vocabulary, --bad-rows or --keep-units",
            remedy="leave them out, or describe the table in a spec for the format 'tables'",
        )
    from osler.record.sources.table import ingest_table

    return ingest_table(Path(source), spec, out)


def require_format(name: str) -> None:
    """Refuse a format that there is not.

    Raises:
        InputError: names the formats that there are.
    """
    if name not in FORMATS:
        raise InputError(f"unknown format '{name}'", allowed=FORMATS, remedy="name one of these formats")
