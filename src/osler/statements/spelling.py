"""Statements as text: a name, a unit and a value, in the language of a style."""

import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.statements.counting import Counter
from osler.statements.lines import Statements
from osler.statements.packing import factor
from osler.statements.spec import Style
from osler.statements.values import NO_VALUE


@dataclass(frozen=True)
class Parts:
    """What lines say, as ids into distinct texts; arrays are int [n_lines].

    Attributes:
        name, names: what is stated.
        unit, units: its unit; -1 for none. A unit is shown beside a value only.
        value, values: the value, `NO_VALUE` for none; `values[NO_VALUE]` is empty.
        day, days: the date that the statement begins with, -1 for none; None when the style has no dates.
    """

    name: np.ndarray
    names: pl.Series
    unit: np.ndarray
    units: pl.Series
    value: np.ndarray
    values: pl.Series
    day: np.ndarray | None = None
    days: pl.Series | None = None


def no_texts() -> pl.Series:
    """An empty list of texts."""
    return pl.Series([], dtype=pl.String)


def with_empty(texts: pl.Series) -> pl.Series:
    """Texts after an empty one, which has id 0 then."""
    return pl.concat([pl.Series([""], dtype=pl.String), texts])


def spell(parts: Parts, style: Style, counter: Counter) -> tuple[np.ndarray, Statements]:
    """Spell each distinct statement once and count its tokens.

    Args:
        parts: what the lines say.
        style: its language: `name (unit): value`, or the same as a JSON object.
        counter: counts tokens; where counts add up, those of the parts are added.

    Returns:
        int32 [n_lines], index of each line's statement, and the statements.
    """
    has_value = parts.value != NO_VALUE
    unit = np.where(has_value, parts.unit + 1, 0)
    label_key = (parts.name.astype(np.int64) * (len(parts.units) + 1) + unit) * 2 + has_value
    label, label_keys = factor(label_key)
    labels = _labels(label_keys, parts, style)
    values = _values(parts.values, style)  # each with the space before it
    key = label.astype(np.int64) * len(values) + parts.value
    if parts.day is not None and parts.days is not None:
        key += (parts.day.astype(np.int64) + 1) * (len(labels) * len(values))
    statement, keys = factor(key)
    rest, value_at = np.divmod(keys, len(values))
    day_at, label_at = np.divmod(rest, max(len(labels), 1))
    columns = [labels.gather(label_at), values.gather(value_at)]
    if parts.days is not None:
        days = with_empty(parts.days + " ")
        columns.insert(0, days.gather(day_at))
    texts = pl.select(text=pl.concat_str(columns))["text"]
    if not counter.adds_up:
        return statement, Statements(texts=texts, tokens=counter.count(texts))
    tokens = counter.count(labels)[label_at] + counter.count(values)[value_at]
    if parts.days is not None:
        tokens = tokens + counter.count(days)[day_at]
    return statement, Statements(texts=texts, tokens=tokens)


def _labels(keys: np.ndarray, parts: Parts, style: Style) -> pl.Series:
    rest, has_value = np.divmod(keys, 2)
    name_at, unit_at = np.divmod(rest, len(parts.units) + 1)
    names, units = parts.names, with_empty(parts.units)
    if style.language == "json":
        names, units = _quoted(names), _quoted(units)
    frame = pl.DataFrame({"has_value": has_value == 1, "has_unit": unit_at > 0}).with_columns(
        name=names.gather(name_at), unit=units.gather(unit_at)
    )
    name, unit = pl.col("name"), pl.col("unit")
    if style.language == "json":
        bare = pl.concat_str(pl.lit('{"name": '), name, pl.lit("}"))
        with_unit = pl.concat_str(pl.lit('{"name": '), name, pl.lit(', "unit": '), unit, pl.lit(', "value":'))
        without = pl.concat_str(pl.lit('{"name": '), name, pl.lit(', "value":'))
    else:
        bare, with_unit = name, pl.concat_str(name, pl.lit(" ("), unit, pl.lit("):"))
        without = pl.concat_str(name, pl.lit(":"))
    shown = pl.when(~pl.col("has_value")).then(bare).when("has_unit").then(with_unit).otherwise(without)
    return frame.select(shown.alias("label"))["label"]


def _values(values: pl.Series, style: Style) -> pl.Series:
    shown = values.slice(1)
    if style.language == "json":
        shown = _quoted(shown) + "}"
    return with_empty(" " + shown)


def _quoted(texts: pl.Series) -> pl.Series:
    return pl.Series([json.dumps(text, ensure_ascii=False) for text in texts.to_list()], dtype=pl.String)
