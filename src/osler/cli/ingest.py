"""`osler ingest`: a source in its own format becomes a MEDS dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from osler.record.mapping.options import IngestOptions

_MOST_REASONS = 10  # why rows were left out, on the terminal


def command(
    format_name: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="table, omop, fhir, mimic4, mimic3, eicu, clif, synthea-csv, long, notes or tables.",
            show_default=False,
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            help="The source's file or folder, or postgresql://... of a database.", show_default=False
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the dataset; new or empty.", show_default=False),
    ] = None,
    spec: Annotated[
        Path | None,
        typer.Option("--spec", help="YAML file that says what the source means, or changes a built-in spec."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say what would be read and what was found; write nothing.")
    ] = False,
    append: Annotated[
        bool, typer.Option("--append", help="Add the source to the dataset that is in the folder.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="Only so many subjects, the first by their ids.")
    ] = None,
    memory: Annotated[
        str | None, typer.Option("--memory", help="Memory that may be used, for instance 1GB; default: 2GB.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option("--timezone", help="Zone in which times with a zone are told; default: the spec's."),
    ] = None,
    vocabulary: Annotated[
        list[str] | None,
        typer.Option(
            "--vocabulary",
            help="Files or folder with titles of codes (ICD, OMOP CONCEPT); `fetch` gets those of ICD from "
            "CMS. May be repeated.",
        ),
    ] = None,
    vocabulary_sha256: Annotated[
        list[str] | None,
        typer.Option("--vocabulary-sha256", metavar="NAME=HEX", help="Checksum of a fetched vocabulary."),
    ] = None,
    bad_rows: Annotated[
        str | None,
        typer.Option(
            "--bad-rows",
            help="Rows with times or numbers that cannot be read: refuse (default), or drop and count.",
        ),
    ] = None,
    keep_units: Annotated[
        bool, typer.Option("--keep-units", help="Convert no values; units are spelled alike in any case.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Turn a source into a MEDS dataset.

    Each format but `table` and `tables` has a spec of its own. `table` is one CSV, TSV or Parquet file with a
    row per patient or visit; its spec says what the columns mean. `tables` is any folder of tables, with a
    spec in the words of docs/ingest.md.

    An ingest that was interrupted goes on when the same command is given again.
    """
    from osler.base.errors import InputError
    from osler.record.sources import TABLE, ingest, require_format

    require_format(format_name)
    if explain:
        _explain(format_name, source, spec, timezone, as_json=as_json)
        return
    if output is None:
        raise InputError("no folder for the dataset", where="--output", remedy="name one: -o DATASET")
    options = _options(memory, limit, bad_rows, keep_units=keep_units)
    summary = ingest(
        format_name,
        source,
        spec,
        output,
        options=None if format_name == TABLE and options == _options(None, None, None) else options,
        timezone=timezone,
        vocabulary=_vocabulary(vocabulary or [], vocabulary_sha256 or []),
        append=append,
    )
    _show(summary, output, as_json=as_json)


def _options(
    memory: str | None, limit: int | None, bad_rows: str | None, *, keep_units: bool = False
) -> "IngestOptions":
    from osler.record.mapping.options import IngestOptions, parse_size

    given: dict[str, Any] = {"limit": limit, "convert_units": not keep_units}
    if memory is not None:
        given["memory"] = parse_size(memory, where="--memory")
    if bad_rows is not None:
        given["bad_rows"] = bad_rows
    return IngestOptions.parse(given, where="options")


def _vocabulary(named: list[str], checksums: list[str]) -> tuple[Path, ...]:
    """Files and folders that describe codes; `fetch` stands for the official ones of ICD."""
    import os

    from osler.base.errors import InputError
    from osler.record.vocabulary import fetch_vocabulary

    given = dict(pair.partition("=")[::2] for pair in checksums)
    if any(not value for value in given.values()) or (given and "fetch" not in named):
        raise InputError(
            "a checksum belongs to a vocabulary that is fetched",
            where="--vocabulary-sha256",
            remedy="write --vocabulary fetch --vocabulary-sha256 icd9cm-32=HEX",
        )
    paths: list[Path] = []
    for name in named:
        if name == "fetch":
            cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            paths += fetch_vocabulary(into=cache / "osler" / "vocabulary", sha256=given)
        else:
            paths.append(Path(name))
    return tuple(paths)


def _explain(
    format_name: str, source: str, spec: Path | None, timezone: str | None, *, as_json: bool
) -> None:
    from osler.cli.summary import show_summary
    from osler.record.sources.explain import explain_source, told

    explained = explain_source(format_name, source, spec, timezone=timezone)
    if as_json:
        show_summary(explained, as_json=True)
    else:
        print("\n".join(told(explained)))


def _show(summary: dict[str, Any], output: Path, *, as_json: bool) -> None:
    from osler.cli.summary import show_summary

    if as_json:
        show_summary({**summary, "dataset": str(output)}, as_json=True)
        return
    # What the spec says and what was counted row by row is in the dataset; the rest is for reading.
    hidden = ("spec", "format_version", "attrition", "tables", "not_found", "not_read", "vocabulary")
    shown = {name: value for name, value in summary.items() if name not in hidden}
    shown = {name: value for name, value in shown.items() if not isinstance(value, dict | list)}
    left = [row for row in summary["attrition"] if row["step"] == "left out" and row["n_rows"]]
    shown["left out"] = sum(row["n_rows"] for row in left)
    shown |= {finding["what"]: finding["count"] for finding in summary.get("findings", ())}
    show_summary({**shown, "dataset": str(output)}, as_json=False)
    most = sorted(left, key=lambda row: -row["n_rows"])[:_MOST_REASONS]
    for row in most:
        print(f"{row['n_rows']:>12,} left out of {row['table']}: {row['reason']}")
    if len(left) > len(most):
        print(f"             and {len(left) - len(most)} more reasons in metadata/attrition.parquet")
