"""The typed table of a dataset at samples: the latest value of every variable by the prediction time.

Two passes over the shards: the first finds what the samples know of each code and chooses the variables, the
second fills their columns. Memory is bounded by a shard and by samples x variables.

How the events of one code are read, where they are of several kinds:

- numeric: the latest finite number; a text without a number (`<0.1`), or no value, is passed over.
- ordinal, categorical: the latest text (a number written out counts where the code book says the kind);
  other events are passed over, and a text that is none of the book's levels is not known.
- flag with values: the latest text or number, read as no or yes; no event: not known.
- flag without values: 1 when the code was recorded, else 0.

Where the code book gives no kind, a code is numeric when at least as many samples see a number as see a text
without one, categorical when more see a text (at most `max_levels` different ones), and a flag when none sees
either. A code of a record of events whose values say no more than that it was recorded (free text; one value
only; fewer than two levels that `min_share` of the samples have) is a flag of that; a column of a table
(`COL//`) is left out, or kept where only its levels are rare. `TableReport` counts all of this.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.progress import bar
from osler.record.dataset import Dataset, Shard
from osler.record.schema import BIRTH, DEMOGRAPHICS, SAMPLE_KEY
from osler.represent.counts import AGE
from osler.represent.sampled import require_each_once
from osler.represent.settings import TypedSettings
from osler.represent.typed import TypedTable, Variable
from osler.represent.typed_checkboxes import fold_none
from osler.represent.typed_choose import Choice, choose
from osler.represent.typed_events import Reading, ShardEvents, shard_events
from osler.represent.typed_facts import Facts, facts_of, undecided
from osler.represent.typed_fill import Plan, fill, make_plan
from osler.represent.typed_report import EXCLUDED, IMPLIED, ONE_VALUE, RARE, TableReport
from osler.represent.typed_slots import Slots, matches, open_slots, unmatched

AGE_VARIABLE = Variable(BIRTH, "Age", "numeric", section=DEMOGRAPHICS, unit="years")
# Shards read at once; each costs the memory of its events.
_THREADS = min(4, os.cpu_count() or 1)

T = TypeVar("T")


def typed_table(
    dataset: Dataset,
    samples: pl.DataFrame,
    *,
    settings: TypedSettings | None = None,
    like: Sequence[Variable] | None = None,
) -> tuple[TypedTable, TableReport]:
    """The typed table of samples, and what was left out of it.

    Only events with time <= prediction time (inclusive) or without a time are read. See the module for what
    becomes a variable of which kind; codes of one family (`GENDER//F`, `GENDER//M`) are one categorical
    variable `GENDER`, and a dated birth gives the age, named `MEDS_BIRTH`. Outcomes, identifiers, notes and
    deaths never take part, nor does the option "None" of a group of checkboxes, which says that the others
    are 0 (`osler.represent.typed_checkboxes`). Columns are in the order of the code book, the age first.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`, any order, several per subject allowed.
        settings: defaults when None.
        like: variables of an earlier table, to read the same ones of new samples: a value that is none of
            their levels is not known, nor is a variable that the dataset lacks (if it is a flag of what was
            recorded, it is 0). None: they are chosen.

    Returns:
        The table, rows in the order of the samples, and the report.

    Raises:
        InputError: a subject of the samples is not in the dataset or is in two shards, or the dataset is
            undated and a lookback is given.
    """
    settings = settings or TypedSettings()
    if dataset.undated and settings.lookback is not None:
        raise InputError(
            "the dataset is undated, so a lookback in days means nothing",
            where=dataset.path,
            remedy="leave `lookback` out",
        )
    wanted = samples.select(*SAMPLE_KEY).with_row_index("sample").sort(*SAMPLE_KEY, "sample")
    source = _Source(dataset, wanted, open_slots(dataset.codes, settings), settings)
    choice, recorded = Choice(variables=list(like or ())), list[str]()
    if like is None:
        choice, recorded = _choose(source)
    plan = make_plan(choice.variables, source.slots)
    table, passed_over, outside = _fill(source, plan)
    names = [variable.name for variable in plan.variables]
    if like is None:
        table, folded = fold_none(table)
        if folded:
            choice.left_out[IMPLIED] = [one.name for one in folded]
    return table, TableReport(
        left_out={reason: tuple(codes) for reason, codes in choice.left_out.items()},
        recorded={reason: tuple(codes) for reason, codes in choice.recorded.items()},
        passed_over={name: int(n) for name, n in zip(names, passed_over, strict=True) if n},
        outside={name: int(n) for name, n in zip(names, outside, strict=True) if n},
        unmatched=unmatched(settings.exclude, recorded) if like is None else (),
        absent=tuple(name for name in plan.absent if name != BIRTH),
    )


@dataclass(frozen=True)
class _Source:
    """A dataset, samples of it (`sample` is their place) and what is wanted of them."""

    dataset: Dataset
    wanted: pl.DataFrame
    slots: Slots
    settings: TypedSettings

    def each(self, reading: Reading, work: Callable[[ShardEvents], T]) -> Iterator[T]:
        """Do some work on each shard with samples, in threads; results come in the order of shards."""

        def one(shard: Shard) -> tuple[np.ndarray, T] | None:
            events = shard_events(self.dataset, shard, self.wanted, self.slots, reading)
            return None if events is None else (events.sample, work(events))

        found = [np.empty(0, dtype=np.int64)]
        shards = self.dataset.shards
        # numpy and polars let go of the interpreter lock.
        with ThreadPoolExecutor(_THREADS) as pool, bar("variables", total=len(shards)) as step:
            for result in pool.map(one, shards):
                step(1)
                if result is not None:
                    found.append(result[0])
                    yield result[1]
        require_each_once(np.concatenate(found), self.wanted, self.dataset)


def _choose(source: _Source) -> tuple[Choice, list[str]]:
    """The variables, and the names of everything that was recorded."""
    slots, settings, n_samples = source.slots, source.settings, source.wanted.height
    facts, ages = Facts.none(len(slots)), [np.empty(0)]
    for some, age in source.each(
        undecided(slots), lambda events: (facts_of(events, slots, lookback=settings.lookback), events.age)
    ):
        facts.add(some, slots=slots, most=settings.max_levels)
        ages.append(age[~np.isnan(age)])
    choice = choose(slots, facts, n_samples=n_samples, settings=settings)
    recorded = [slot.name for slot, n in zip(slots.slots, facts.any.tolist(), strict=True) if n]
    age = np.concatenate(ages)
    if len(age):
        recorded += [AGE, BIRTH]
        why = _age_left_out(age, n_samples, settings)
        if why is None:
            choice.variables.insert(0, AGE_VARIABLE)
        else:
            choice.left_out.setdefault(why, []).append(BIRTH)
    return choice, recorded


def _age_left_out(age: np.ndarray, n_samples: int, settings: TypedSettings) -> str | None:
    if not settings.age or any(matches(p, name) for p in settings.exclude for name in (AGE, BIRTH)):
        return EXCLUDED
    if len(age) / n_samples < settings.min_share:
        return RARE
    return ONE_VALUE if age.min() == age.max() else None


def _fill(source: _Source, plan: Plan) -> tuple[TypedTable, np.ndarray, np.ndarray]:
    """The table, and per variable the samples that were passed over and those outside its levels."""
    values = np.full((source.wanted.height, len(plan.variables)), np.nan)
    values[:, [variable.recorded for variable in plan.variables]] = 0.0
    passed_over, outside = np.zeros((2, len(plan.variables)), dtype=np.int64)
    lookback = source.settings.lookback
    for counts in source.each(plan.reading, lambda events: fill(values, events, plan, lookback=lookback)):
        passed_over += counts[0]
        outside += counts[1]
    return TypedTable(plan.variables, values), passed_over, outside
