"""Every style against a plain-Python renderer: ties, nulls, duplicates, empty records, several samples."""

import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_cases import BOOK, frame_of, records, sample_frame, samples
from statement_oracle import Oracle

from osler.models.tokenizer import load_tokenizer
from osler.statements.render import render_shard
from osler.statements.settings import TextSettings
from osler.statements.styles import STYLES

TOKENIZER = load_tokenizer("minilm")
LINE_COLUMNS = ("statement_id", "section", "time", "rows", "char_start", "char_end")


def count(text):
    return int(TOKENIZER.count([text])[0])


def expected(events, cases, chosen, *, undated=False):
    limits = {("LAB//na", "mmol/L"): (135, 145)}
    oracle = Oracle(events.to_dicts(), BOOK.to_dicts(), chosen, count, undated=undated, limits=limits)
    return [oracle.sample(*row) for row in cases.sort("subject_id", "prediction_time").iter_rows()]


def check(events, cases, chosen, *, undated=False):
    made = render_shard(events, BOOK, cases, chosen, TOKENIZER, undated=undated)
    texts, lines, statements = made.frame("texts"), made.frame("lines"), made.frame("statements")
    wanted = expected(events, cases, chosen, undated=undated)
    assert texts["text"].to_list() == [one["text"] for one in wanted]
    for name in ("subject_id", "prediction_time", "n_tokens", "n_statements", "n_dropped"):
        assert texts[name].to_list() == [one[name] for one in wanted], name
    for one in wanted:
        own = lines.filter(subject_id=one["subject_id"], prediction_time=one["prediction_time"])
        assert own["line"].to_list() == list(range(len(one["lines"])))
        assert own.select(LINE_COLUMNS).to_dicts() == one["lines"]
        for start, end, key in own.select("char_start", "char_end", "statement_id").iter_rows():
            said = statements.filter(statement_id=key)
            assert said["text"].item() == one["text"][start:end]
            assert said["n_tokens"].item() == count(said["text"].item())
    assert statements["statement_id"].n_unique() == statements.height
    assert set(statements["statement_id"]) == set(lines["statement_id"])
    return made


@pytest.mark.parametrize("style", list(STYLES))
@settings(deadline=None, max_examples=40)
@given(data=st.data(), events=records(), cases=samples())
def test_styles_equal_the_oracle(style, data, events, cases):
    chosen = TextSettings(
        style=style,
        budget=data.draw(st.sampled_from((1, 12, 30, 60, 4000))),
        notes=data.draw(st.sampled_from((None, None, "sentences", "whole"))),
        drop_sections=data.draw(st.sampled_from(((), (), ("labs", "sex"), ("demographics", "Symptoms")))),
        lookback=data.draw(st.sampled_from((None, None, 1, 2.5, 20))),
    )
    made = check(events, cases, chosen)
    if style == "json":
        for text in made.frame("texts")["text"]:
            json.loads(text)


@pytest.mark.parametrize(
    "style", ["list-recent", "list-first", "markdown", "json", "table", "trend", "notes"]
)
@settings(deadline=None, max_examples=15)
@given(events=records(), cases=samples())
def test_undated_styles_equal_the_oracle(style, events, cases):
    check(events, cases, TextSettings(style=style, budget=50), undated=True)


def test_a_list_reads_as_it_should():
    rows = [
        ("MEDS_BIRTH", -24 * 365 * 57 - 24 * 60, None, None, None),
        ("GENDER//F", None, None, None, None),
        ("LAB//na", -30, 131.0, None, "mmol/L"),
        ("LAB//na", -2, 138.456, None, "mmol/L"),
        ("SCALE", -2, 3.0, "severe", None),
        ("RX//a", -2, None, None, None),
        ("Q//rash", -5, None, "Checked", None),
        ("Q//cough", -5, None, "Unchecked", None),
        ("LAB//na", 5, 150.0, None, "mmol/L"),
    ]
    events = dated(rows)
    made = check(events, sample_frame([(1, 0)]), TextSettings())
    assert made.frame("texts")["text"].item() == (
        "Age: 57 years\nSex: female\nSodium (mmol/L): 138.46\nAspirin tablet\nPain: severe\n"
        "Symptoms now: Rash"
    )
    made = check(events, sample_frame([(1, 0)]), TextSettings(style="trend"))
    assert "Sodium (mmol/L): 138.46, 131 (+6.39 per day)" in made.frame("texts")["text"].item()
    made = check(events, sample_frame([(1, 0)]), TextSettings(style="markdown"))
    assert (
        "## Laboratory results\n- Sodium (mmol/L): 138.46 (normal), 131 (low)"
        in made.frame("texts")["text"][0]
    )


def dated(rows, subject=1):
    from datetime import timedelta

    from statement_cases import START

    names = ("code", "time", "numeric_value", "text_value", "unit")
    made = [dict(zip(names, row, strict=True), subject_id=subject) for row in rows]
    for row in made:
        row["time"] = None if row["time"] is None else START + timedelta(hours=row["time"])
    return frame_of(made)


def test_nothing_checked_is_said():
    events = dated([("Q//rash", -5, None, "Unchecked", None), ("Q//cough", -5, None, "Unchecked", None)])
    made = check(events, sample_frame([(1, 0)]), TextSettings())
    assert made.frame("texts")["text"].item() == "Symptoms now: none"
    assert made.frame("lines")["rows"].item().to_list() == [1, 0] or made.frame("lines")[
        "rows"
    ].item().to_list() == [0, 1]


def test_a_sample_without_events_has_an_empty_text():
    made = render_shard(frame_of([]), BOOK, sample_frame([(1, 0), (7, 1)]), TextSettings(), TOKENIZER)
    texts = made.frame("texts")
    assert texts["text"].to_list() == ["", ""]
    assert texts.select("n_tokens", "n_statements", "n_dropped").sum().row(0) == (0, 0, 0)
    assert made.lines.num_rows == 0
    assert made.statements.num_rows == 0


class Thirds:
    """A tokenizer whose counts do not add up: three characters make a token, whatever they are."""

    splits_on_whitespace = False
    hash = "thirds"

    def count(self, texts):
        return pl.Series([-(-len(text) // 3) for text in texts], dtype=pl.Int32).to_numpy()


@settings(deadline=None, max_examples=40)
@given(
    events=records(),
    cases=samples(),
    budget=st.sampled_from((1, 20, 60, 2000)),
    style=st.sampled_from(list(STYLES)),
)
def test_budget_where_counts_do_not_add_up(events, cases, budget, style):
    tokenizer = Thirds()
    chosen = TextSettings(style=style, budget=budget)
    made = render_shard(events, BOOK, cases, chosen, tokenizer)
    full = render_shard(events, BOOK, cases, chosen.model_copy(update={"budget": 10**6}), tokenizer)
    texts = made.frame("texts")
    assert texts["n_tokens"].to_list() == tokenizer.count(texts["text"].to_list()).tolist()
    whole = full.frame("texts")
    assert (texts["n_statements"] + texts["n_dropped"]).to_list() == whole["n_statements"].to_list()
    kept_only = made.frame("lines").filter(~pl.col("section").is_in(["age", "sex"]))
    for row in texts.filter(pl.col("n_tokens") > budget).iter_rows(named=True):
        own = kept_only.filter(subject_id=row["subject_id"], prediction_time=row["prediction_time"])
        assert own.is_empty()
    if style not in ("markdown", "json", "table"):
        for short, long in zip(texts["text"], whole["text"], strict=True):
            assert long.startswith(short)
