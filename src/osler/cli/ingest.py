"""`osler ingest`: a source in its own format becomes a MEDS dataset."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    format_name: Annotated[
        str, typer.Argument(metavar="FORMAT", help="Format of the source: table.", show_default=False)
    ],
    source: Annotated[Path, typer.Argument(help="The source's file or folder.", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the dataset; new or empty.", show_default=False)
    ],
    spec: Annotated[
        Path | None, typer.Option("--spec", help="YAML file that says what the parts of the source mean.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Turn a source into a MEDS dataset.

    table: one CSV, TSV or Parquet file with a row per patient (or per visit) and, if there is one, a data
    dictionary. The spec says which column is the subject, which are outcomes or later, what means missing,
    and where the dictionary is.
    """
    from osler.cli.summary import show_summary
    from osler.record.sources import ingest

    summary = ingest(format_name, source, spec, output)
    if not as_json:
        # What the spec says is in the dataset; the rest is for reading.
        summary = {name: value for name, value in summary.items() if name not in ("spec", "format_version")}
        summary["attrition"] = "; ".join(
            f"{step['step']}: {step['reason']} {step['n_rows']:,}" for step in summary["attrition"]
        )
        summary["findings"] = "; ".join(
            f"{finding['what']} {finding['count']:,}" for finding in summary["findings"]
        )
    show_summary({**summary, "dataset": str(output)}, as_json=as_json)
