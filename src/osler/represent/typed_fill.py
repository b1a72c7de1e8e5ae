"""The columns of a typed table from the events of a shard, for variables that are already chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.record.schema import BIRTH
from osler.represent.latest import Seen
from osler.represent.typed import Variable
from osler.represent.typed_choose import flag_values
from osler.represent.typed_events import Reading, ShardEvents
from osler.represent.typed_facts import undecided
from osler.represent.typed_report import IDENTIFIER, OUTCOME
from osler.represent.typed_slots import Slots


@dataclass(frozen=True)
class Plan:
    """Where the value of each variable comes from.

    Attributes:
        variables: the p columns.
        column: int64 [n_slots] the column of each slot; -1: none.
        age: the column of the age; -1: none.
        reading: how events are read.
        recorded: bool [n_slots] whether the column says only that the code was recorded.
        places: `slot, text, place` of every text that has a place among levels.
        absent: names of variables that the dataset does not know.
    """

    variables: tuple[Variable, ...]
    column: np.ndarray
    age: int
    reading: Reading
    recorded: np.ndarray
    places: pl.DataFrame
    absent: tuple[str, ...]


def make_plan(variables: Sequence[Variable], slots: Slots) -> Plan:
    """Find the slot of each variable by its name; outcomes and identifiers are never read.

    Args:
        variables: what is wanted.
        slots: what the codes of the dataset mean.
    """
    by_name = {
        slot.name: place
        for place, slot in enumerate(slots.slots)
        if slot.left_out not in (OUTCOME, IDENTIFIER)
    }
    column = np.full(len(slots), -1, dtype=np.int64)
    number, text, recorded = np.zeros((3, len(slots)), dtype=bool)
    places: list[tuple[int, str, float]] = []
    absent, age = [], -1
    for place, variable in enumerate(variables):
        if variable.name == BIRTH:
            age = place
        if variable.name not in by_name:
            absent.append(variable.name)
            continue
        slot = by_name[variable.name]
        column[slot] = place
        recorded[slot] = variable.recorded
        number[slot] = variable.kind == "numeric"
        text[slot] = variable.kind != "numeric" and not variable.recorded
        if variable.kind == "flag":
            places += [(slot, said, float(value)) for said, value in flag_values(slots.slots[slot]).items()]
        places += [(slot, level, float(value)) for value, level in enumerate(variable.levels)]
    given = undecided(slots)
    return Plan(
        variables=tuple(variables),
        column=column,
        age=age,
        reading=Reading(number=number, text=text, spelled=given.spelled & text, either=given.either),
        recorded=recorded,
        places=pl.DataFrame(
            places, schema={"slot": pl.Int64, "text": pl.String, "place": pl.Float64}, orient="row"
        ),
        absent=tuple(absent),
    )


def fill(
    values: np.ndarray, events: ShardEvents, plan: Plan, *, lookback: float | None
) -> tuple[np.ndarray, np.ndarray]:
    """Write the values of the samples of one shard into the table.

    Args:
        values: float64 [n_samples of all shards, p], written in place.
        events: the shard.
        plan: the variables.
        lookback: days; None: any.

    Returns:
        Two int64 [p]: samples whose latest event has no value of the variable's kind, and samples whose
        latest value is none of its levels.
    """
    n_columns = len(plan.variables)
    passed_over, outside = np.zeros((2, n_columns), dtype=np.int64)
    if plan.age >= 0:
        values[events.sample, plan.age] = events.age
    last_number, last_text = events.last_number, events.last_text
    for seen in events.seen(lookback):
        row, column = events.sample[seen.sample], plan.column[seen.slot]
        here = np.flatnonzero(plan.recorded[seen.slot])
        values[row[here], column[here]] = 1.0
        newest = _newest(seen)
        numeric, level = plan.reading.number[seen.slot], plan.reading.text[seen.slot]
        at = np.where(numeric, seen.latest(last_number), seen.latest(last_text))
        passed_over += np.bincount(column[(numeric | level) & (at != newest)], minlength=n_columns)
        here = np.flatnonzero(numeric & (at >= 0))
        values[row[here], column[here]] = events.number[at[here]]
        here = np.flatnonzero(level & (at >= 0))
        said = pl.DataFrame({"slot": seen.slot[here], "text": events.text.gather(at[here])})
        place = said.join(plan.places, on=["slot", "text"], how="left", maintain_order="left")["place"]
        found = place.fill_null(float("nan")).to_numpy()
        values[row[here], column[here]] = found
        outside += np.bincount(column[here[np.isnan(found)]], minlength=n_columns)
    return passed_over, outside


def _newest(seen: Seen) -> np.ndarray:
    """Position of the latest event of any kind, int64 [n_pairs]."""
    return np.where(seen.stop > seen.low, seen.stop, seen.fixed) - 1
