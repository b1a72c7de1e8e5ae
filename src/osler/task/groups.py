"""Declared groups of a sample: sex, race, insurance and whatever else a dataset declares to slice by.

A group is declared in `dataset.json` under `osler.groups`, by the beginning of a code or by an event column:

    {"sex": {"prefix": "GENDER//", "values": {"F": "female", "M": "male"}}, "insurance": {"column":
    "insurance"}}

Its value is that of the last event at or before the prediction time; later ones are not looked at.
"""

from typing import Any

import polars as pl
from pydantic import Field

from osler.base.errors import InputError
from osler.base.settings import Settings
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY, UNKNOWN
from osler.task.events import event_value, select_events
from osler.task.sites import BEGINNING, last_at_or_before, last_value

_TAKEN = (*SAMPLE_KEY, "group_id", "site", "visit_id", "boolean_value")


class GroupSettings(Settings):
    """How one group is declared.

    Attributes:
        prefix: beginning of the codes that carry it; the rest of the code is the value, or where nothing
            is left the event's text or number.
        column: event column that carries it (instead of `prefix`).
        values: names for the values; others keep their own.
    """

    prefix: str | None = None
    column: str | None = None
    values: dict[str, str] = Field(default_factory=dict)


def declared_groups(dataset: Dataset) -> dict[str, GroupSettings]:
    """The groups that a dataset declares, by name.

    Raises:
        InputError: a declaration has unknown keys, or not exactly one of `prefix` and `column`, or its
            name is taken.
    """
    declared: dict[str, Any] = dataset.settings.get("groups") or {}
    groups = {}
    for name, values in declared.items():
        where = f"{dataset.path}/metadata/dataset.json: osler.groups.{name}"
        if name in _TAKEN:
            raise InputError(f"a group cannot be called '{name}'", where=where, remedy="give it another name")
        group = GroupSettings.parse(values, where=where)
        if (group.prefix is None) == (group.column is None):
            raise InputError(
                "a group needs either 'prefix' or 'column'", where=where, remedy="give exactly one of the two"
            )
        groups[name] = group
    return groups


def groups_of(dataset: Dataset, samples: pl.DataFrame) -> pl.DataFrame:
    """The groups of each sample.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`.

    Returns:
        One text column per declared group, in the order of the samples; `unknown` where there is no value.
    """
    declared = declared_groups(dataset)
    coded = _coded_events(dataset, [group.prefix for group in declared.values() if group.prefix is not None])
    columns = {}
    for name, group in declared.items():
        if group.column is not None:
            value = last_value(dataset, samples, columns=(group.column,))
        else:
            value = _last_coded(coded, samples, prefix=str(group.prefix))
        named = value.replace(group.values) if group.values else value
        columns[name] = named.fill_null(UNKNOWN)
    return pl.DataFrame(columns)


def _coded_events(dataset: Dataset, prefixes: list[str]) -> pl.DataFrame:
    """Events whose code begins with one of the prefixes, in canonical order; read once for all groups."""
    wanted = pl.any_horizontal(pl.lit(value=False), *(pl.col("code").str.starts_with(p) for p in prefixes))
    parts = [
        select_events(shard, wanted).select(
            "subject_id", pl.col("time").fill_null(BEGINNING), "code", event_value().alias("value")
        )
        for shard in dataset.shards
    ]
    return pl.concat(parts)


def _last_coded(events: pl.DataFrame, samples: pl.DataFrame, *, prefix: str) -> pl.Series:
    rest = pl.col("code").str.slice(len(prefix)).str.strip_chars()
    value = pl.when(rest.str.len_chars() > 0).then(rest).otherwise("value")
    events = events.filter(pl.col("code").str.starts_with(prefix)).with_columns(value.alias("value"))
    keys = samples.select(SAMPLE_KEY).unique()
    found = last_at_or_before(keys, events.drop_nulls("value"), keep=["value"])
    return samples.select(SAMPLE_KEY).join(found, on=SAMPLE_KEY, how="left", maintain_order="left")["value"]
