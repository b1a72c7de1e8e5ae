"""No event after the prediction time reaches a text; every statement is made of the rows that it names."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statement_cases import BOOK, START, frame_of, records, sample_frame, samples

from osler.models.tokenizer import load_tokenizer
from osler.statements.render import render_shard
from osler.statements.settings import TextSettings
from osler.statements.styles import STYLES

TOKENIZER = load_tokenizer("minilm")
CONTENT = ("subject_id", "time", "code", "numeric_value", "text_value", "unit")


def rendered(events, cases, chosen, **options):
    made = render_shard(events, BOOK, cases, chosen, TOKENIZER, **options)
    return made.frame("texts"), made.frame("statements"), made.frame("lines")


def with_events_named(lines, events):
    """Lines whose `rows` are replaced by what the events at these rows say."""
    rows = lines.select("subject_id", "prediction_time", "line", "rows").explode("rows")
    named = rows.join(events, left_on="rows", right_on="row", how="left", maintain_order="left").drop("rows")
    return lines.drop("rows"), named


@pytest.mark.parametrize("style", list(STYLES))
@settings(deadline=None, max_examples=12)
@given(data=st.data(), events=records(), cases=samples())
def test_later_events_change_nothing(style, data, events, cases):
    chosen = TextSettings(
        style=style,
        budget=data.draw(st.sampled_from((20, 2000))),
        notes=data.draw(st.sampled_from((None, "sentences"))),
        lookback=data.draw(st.sampled_from((None, 2))),
    )
    last = dict(cases.group_by("subject_id").agg(pl.col("prediction_time").max()).iter_rows())
    now = events.select(CONTENT).to_dicts()
    past = [
        row
        for row in now
        if row["time"] is None or (row["subject_id"] in last and row["time"] <= last[row["subject_id"]])
    ]
    future = data.draw(records()).select(CONTENT).to_dicts()
    later = [{**row, "time": START + timedelta(days=60, hours=i % 3)} for i, row in enumerate(future)]
    changed = data.draw(st.permutations([*past, *later]))
    before = rendered(events, cases, chosen)
    altered = frame_of(changed)
    after = rendered(altered, cases, chosen)
    assert before[0].equals(after[0])
    assert before[1].equals(after[1])
    plain, named = with_events_named(before[2], events)
    plain_after, named_after = with_events_named(after[2], altered)
    assert plain.equals(plain_after)
    assert named.equals(named_after)


@pytest.mark.parametrize("style", list(STYLES))
@settings(deadline=None, max_examples=12)
@given(events=records(), cases=samples())
def test_a_statement_is_rebuilt_from_its_rows_alone(style, events, cases):
    chosen = TextSettings(style=style, budget=4000, notes="sentences")
    texts, _, lines = rendered(events, cases, chosen)
    for line in lines.iter_rows(named=True):
        key = {name: line[name] for name in ("subject_id", "prediction_time")}
        text = texts.filter(**key)["text"].item()[line["char_start"] : line["char_end"]]
        # Marks of normal depend on age and sex, which are rows of the record's first two statements.
        person = lines.filter(pl.col("section").is_in(["age", "sex"]), **key)["rows"].explode().to_list()
        own = events.filter(pl.col("row").is_in([*line["rows"], *person]))
        again, _, rebuilt = rendered(own, pl.DataFrame([key], schema=cases.schema), chosen)
        found = [
            again["text"].item()[start:end]
            for start, end in rebuilt.select("char_start", "char_end").iter_rows()
        ]
        assert text in found


@settings(deadline=None, max_examples=25)
@given(events=records(), cases=samples(), seed=st.integers(0, 100))
def test_the_order_of_samples_and_files_does_not_matter(events, cases, seed):
    chosen = TextSettings(style="markdown")
    before = rendered(events, cases, chosen)
    after = rendered(events, cases.sample(fraction=1, shuffle=True, seed=seed), chosen)
    assert all(one.equals(other) for one, other in zip(before, after, strict=True))


def test_the_prediction_time_itself_is_seen():
    rows = [
        {"subject_id": 1, "time": START, "code": "RX//a"},
        {"subject_id": 1, "time": START + timedelta(microseconds=1), "code": "Z//9"},
    ]
    empty = {"numeric_value": None, "text_value": None, "unit": None}
    texts, _, _ = rendered(
        frame_of([{**row, **empty} for row in rows]), sample_frame([(1, 0)]), TextSettings()
    )
    assert texts["text"].item() == "Aspirin tablet"
