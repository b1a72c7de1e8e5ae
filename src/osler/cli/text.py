"""`osler text`: records become texts under a token budget."""

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    dataset: Annotated[Path, typer.Argument(help="Folder of a MEDS dataset.", show_default=False)],
    labels: Annotated[
        Path | None,
        typer.Argument(
            help="Labels folder whose samples are used; else one per subject, at the end of its record.",
            show_default=False,
        ),
    ] = None,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the texts.", show_default=False)],
    style: Annotated[
        str,
        typer.Option(
            help="list-recent, list-first, list-recent+time, markdown, json, table, trend or notes."
        ),
    ] = "list-recent",
    budget: Annotated[
        int, typer.Option(help="Most tokens of a text; the oldest statements go first.")
    ] = 2048,
    tokenizer: Annotated[str, typer.Option(help="Encoder whose tokenizer counts the tokens.")] = "minilm",
    lookback: Annotated[
        float | None, typer.Option(help="Only events of so many days before the prediction time.")
    ] = None,
    drop_section: Annotated[
        list[str] | None, typer.Option(help="Section to leave out, for instance labs; may be repeated.")
    ] = None,
    notes: Annotated[
        str | None, typer.Option(help="Show notes too: sentences (one statement each) or whole.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Turn each record into a text: statements, a token budget, and the source rows of every line."""
    from osler.cli.summary import show_summary
    from osler.record.check import check_dataset
    from osler.record.dataset import open_dataset
    from osler.statements.samples import RECORD_END, record_end
    from osler.statements.settings import TextSettings
    from osler.statements.write import make_texts
    from osler.task.labels import open_labels

    values: dict[str, Any] = {
        "style": style,
        "budget": budget,
        "tokenizer": tokenizer,
        "lookback": lookback,
        "drop_sections": tuple(drop_section or ()),
        "notes": notes,
    }
    settings = TextSettings.parse(values, where="the options of osler text")
    opened = open_dataset(dataset)
    check_dataset(opened)
    if labels is None:
        samples, origin = record_end(opened), RECORD_END
    else:
        samples, origin = open_labels(labels, dataset=opened).samples, "labels"
    made = make_texts(opened, samples, output, settings=settings, origin=origin)
    show_summary(
        {
            "texts": str(output),
            "style": settings.style,
            "samples": made.n_samples,
            "samples_from": made.samples,
            "empty_texts": made.n_empty,
            "distinct_statements": made.n_statements,
            "lines": made.n_lines,
            "tokens": made.n_tokens,
            "dropped_statements": made.n_dropped,
            "shortened_texts": made.n_cut,
        },
        as_json=as_json,
    )
