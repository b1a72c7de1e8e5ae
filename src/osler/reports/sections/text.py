"""The text that language models read: style, budget, how long it is, what did not fit."""

import polars as pl

from osler.reports.blocks import Block, Column, Facts, Heading, Paragraph, Row, Section, Table
from osler.reports.formats import count, percent, plain
from osler.reports.runfiles import STUDY, RunFiles
from osler.reports.suppress import is_small

_COLUMNS = {
    "n_tokens": "Tokens",
    "n_statements": "Statements kept",
    "n_dropped": "Statements dropped",
}


def section(run: RunFiles) -> Section | None:
    """One part for each text of the study."""
    names = run.names("texts")
    if not names:
        return None
    blocks: list[Block] = [
        Paragraph(
            "A record becomes one line of text for each fact. When a text is longer than its budget of "
            "tokens, whole statements are dropped, the oldest first, and counted here: nothing is cut "
            "silently."
        )
    ]
    for name in names:
        if len(names) > 1:
            blocks.append(Heading(name))
        blocks += _text(run, name)
    return Section("text", "Text", tuple(blocks))


def _text(run: RunFiles, name: str) -> list[Block]:
    file = f"texts/{name}/texts.json"
    described = run.json(file) or {}
    settings = {**((run.study.get("texts") or {}).get(name) or {}), **(described.get("settings") or {})}
    facts = [("Style", str(settings.get("style", "–")))]
    if settings.get("budget"):
        facts.append(
            ("Budget", f"{count(settings['budget'])} tokens, counted by {settings.get('tokenizer', '–')}")
        )
    lookback = settings.get("lookback")
    facts.append(("Looks back", "the whole record" if lookback is None else f"{lookback:g} days"))
    if settings.get("drop_sections"):
        facts.append(("Sections left out", ", ".join(map(str, settings["drop_sections"]))))
    facts.append(("Notes", str(settings.get("notes") or "left out")))
    blocks: list[Block] = [Facts(tuple(facts), files=(file, STUDY))]
    counts = run.text_counts(name)
    if counts is not None and counts.height and not is_small(counts.height, min_cell=run.min_cell):
        blocks.append(_table(run, name, counts))
    return blocks


def _table(run: RunFiles, name: str, counts: pl.DataFrame) -> Table:
    rows = []
    for column, title in _COLUMNS.items():
        at = [counts[column].quantile(q, interpolation="linear") for q in (0.05, 0.25, 0.5, 0.75, 0.95)]
        rows.append(Row((title, *(plain(round(value, 1)) for value in at if value is not None))))
    cut = int((counts["n_dropped"] > 0).sum())
    groups = (cut, counts.height - cut, *run.subjects_by_cut(name))
    hidden = any(is_small(group, min_cell=run.min_cell) for group in groups)
    total = int(counts["n_dropped"].sum())
    share = total / max(1, total + int(counts["n_statements"].sum()))
    if not cut:
        note = "Every text fits its budget: no statement was dropped."
    elif hidden:
        note = "How many texts were over the budget is suppressed (a small number of patients)."
    else:
        note = (
            f"{count(cut)} of {count(counts.height)} texts ({percent(cut / counts.height)}) were over the "
            f"budget; {count(total)} statements ({percent(share)}) were dropped."
        )
    return Table(
        "Length of the texts (percentiles over samples)",
        (Column("", numeric=False), *(Column(title) for title in ("5 %", "25 %", "median", "75 %", "95 %"))),
        tuple(rows),
        files=(f"texts/{name}/texts/",),
        notes=(note,),
    )
