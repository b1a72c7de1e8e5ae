"""Small cells: counts of 1 to `min_cell` patients are hidden, and so is whatever would give them away.

What is printed counts samples, and one patient may have many. A cell is small when its samples or its
distinct patients are; where the patients are not given, each sample is one of its own.

A hidden cell is safe only when no sum of published numbers isolates it. The tables of a report are of three
shapes, each with its rule; totals (cohort, events) are always taken as published.

The rules are those of primary and complementary suppression (Hundepool et al., Statistical Disclosure
Control, 2012, chapter 4), with the bounds that a reader can work out checked instead of cell counts alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


def is_small(value: float | None, *, min_cell: int) -> bool:
    """Whether a count must not be shown.

    Examples:
        >>> [is_small(n, min_cell=10) for n in (0, 1, 10, 11)]
        [False, True, True, False]
    """
    return value is not None and 1 <= value <= min_cell


def few_events(n: int, events: int, described: Mapping[str, Any], *, min_cell: int) -> bool:
    """Whether so few have the event, or do not have it, that neither number may be shown.

    Args:
        n: samples.
        events: those of them with the event.
        described: where the distinct patients may stand: `n_event_patients`, `n_other_patients`.
        min_cell: largest count that is hidden.

    Examples:
        >>> few_events(500, 40, {}, min_cell=10)
        False
        >>> few_events(500, 40, {"n_event_patients": 6}, min_cell=10)
        True
    """
    patients = (described.get("n_event_patients"), described.get("n_other_patients"))
    return any(is_small(count, min_cell=min_cell) for count in (events, n - events, *patients))


def hidden_rows(
    counts: Counts,
    totals: Sequence[int],
    *,
    min_cell: int,
    patients: Counts | None = None,
    patient_totals: Sequence[int] | None = None,
) -> Mask:
    """Rows to hide in a table of levels by groups, of which the column totals are published.

    A row is shown or hidden as a whole. What the rows leave of the totals counts as one more row, which is
    never printed but could be worked out. Rows are hidden until there are two or more and the sum of the
    hidden ones, which can be worked out, is itself no small cell in any group.

    Args:
        counts: samples, shape [rows, groups].
        totals: samples of each group, length groups.
        min_cell: largest count that is hidden.
        patients: distinct patients of these samples, same shape; None: as many as samples.
        patient_totals: distinct patients of each group. Where the rows add up to them, nobody is in two
            rows, and sums are exact; else, or where they are not known, the hidden rows are taken to hold
            no more patients than the largest of them.

    Returns:
        Shape [rows]; True where the row is hidden.

    Examples:
        >>> hidden_rows(np.array([[500, 40], [200, 3], [300, 57]]), [1000, 100], min_cell=10).tolist()
        [False, True, True]
        >>> counts, patients = np.array([[500], [15], [300]]), np.array([[90], [1], [60]])
        >>> hidden_rows(counts, [815], min_cell=10, patients=patients).tolist()
        [False, True, True]
    """
    table = np.asarray(counts, dtype=np.int64)
    rest = np.asarray(totals, dtype=np.int64) - table.sum(axis=0)
    # Overlapping levels add up to more than the totals: nothing can be worked out from those.
    additive = bool((rest >= 0).all())
    has_rest = additive and bool(rest.any())
    full = np.vstack([rest, table]) if has_rest else table
    full = np.column_stack([full, full.sum(axis=1)])
    hidden: Mask = np.asarray(_small(full, min_cell).any(axis=1), dtype=np.bool_)
    people = None if patients is None else np.asarray(patients, dtype=np.int64)
    apart = _apart(people, patient_totals, rest)
    if people is not None:
        if has_rest:
            # Of the samples that are left nobody knows whose they are.
            people = np.vstack([np.where(apart, rest, rest > 0), people])
        hidden |= _small(people, min_cell).any(axis=1)
    size = full[:, -1].astype(float)
    if has_rest:
        size[0] = 0.5  # hiding what is not printed costs nothing, so it goes first
    while additive and hidden.any() and not hidden.all():
        sums_are_small = _small(full[hidden].sum(axis=0), min_cell).any() or (
            people is not None and _small(_fewest(people[hidden], apart), min_cell).any()
        )
        if hidden.sum() >= 2 and not sums_are_small:
            break
        candidates = np.flatnonzero(~hidden)
        filled = candidates[size[candidates] > 0]
        pool = filled if len(filled) else candidates
        hidden[pool[np.argmin(size[pool])]] = True
    return hidden[1:] if has_rest else hidden


def hidden_events(
    n: Counts,
    events: Counts,
    *,
    min_cell: int,
    patients: Counts | None = None,
    patient_totals: Sequence[int] | None = None,
) -> tuple[Mask, Mask]:
    """What to hide in a table of groups with samples and events, of which both totals are published.

    Args:
        n: samples of each group.
        events: those of them with the event.
        min_cell: largest count that is hidden.
        patients: distinct patients of each group, with the event and without, shape [groups, 3]; None: as
            many as samples.
        patient_totals: distinct patients of all groups, with the event and without, as for `hidden_rows`.

    Returns:
        Two masks: where `n` is hidden, and where the events (with rate and interval) are hidden. The second
        holds the first.

    Examples:
        >>> n, events = np.array([400, 300, 200]), np.array([60, 4, 20])
        >>> [mask.tolist() for mask in hidden_events(n, events, min_cell=10)]
        [[False, False, False], [False, True, True]]
    """
    n = np.asarray(n, dtype=np.int64)
    events = np.asarray(events, dtype=np.int64)
    people = None if patients is None else np.asarray(patients, dtype=np.int64)
    apart = _apart(people, patient_totals)
    hide_n = hidden_rows(
        n[:, None],
        [int(n.sum())],
        min_cell=min_cell,
        patients=None if people is None else people[:, :1],
        patient_totals=None if patient_totals is None else patient_totals[:1],
    )
    samples = np.column_stack([n, events, n - events])
    hidden = hide_n | _small(samples, min_cell).any(axis=1)
    if people is not None:
        hidden |= _small(people, min_cell).any(axis=1)
    while hidden.any() and not hidden.all():
        few = _small(samples[hidden].sum(axis=0), min_cell).any() or (
            people is not None and _small(_fewest(people[hidden], apart), min_cell).any()
        )
        if not few and _bounds_are_wide(n, events, hide_n, hidden, min_cell=min_cell):
            break
        candidates = np.flatnonzero(~hidden)
        hidden[candidates[np.argmin(n[candidates])]] = True
    if hidden.all() and len(n) > 1 and not _bounds_are_wide(n, events, hide_n, hidden, min_cell=min_cell):
        # The sizes alone say too much about who had the event.
        hide_n = np.ones(len(n), dtype=np.bool_)
    return hide_n, hidden


def _bounds_are_wide(n: Counts, events: Counts, hide_n: Mask, hidden: Mask, *, min_cell: int) -> bool:
    """Whether the events of each hidden group can still lie anywhere in a range wider than a small cell."""
    total = int(events[hidden].sum())
    hidden_people = int(n[hidden & hide_n].sum())
    capacity = np.where(hide_n, hidden_people, n)
    others_capacity = int(n[hidden & ~hide_n].sum()) + hidden_people - np.where(hide_n, 0, n)
    low = np.maximum(0, total - others_capacity)
    high = np.minimum(capacity, total)
    return bool(((high - low)[hidden] >= min_cell).all())


def hidden_removals(
    counts: Counts,
    *,
    min_cell: int,
    patients: Counts | None = None,
    patient_totals: Sequence[int] | None = None,
) -> tuple[Mask, bool]:
    """What to hide in a flow of removals whose end is published.

    Args:
        counts: samples that each step removed, shape [steps, units].
        min_cell: largest count that is hidden.
        patients: distinct patients of these samples, same shape; None: as many as samples.
        patient_totals: distinct patients that were removed at all, at the least, as for `hidden_rows`.

    Returns:
        A mask over the steps, and whether the start must be hidden too because start minus end would
        give a small cell away.

    Examples:
        >>> mask, start = hidden_removals(np.array([[120], [3], [40]]), min_cell=10)
        >>> mask.tolist(), start
        ([False, True, True], False)
        >>> mask, start = hidden_removals(np.array([[3]]), min_cell=10)
        >>> mask.tolist(), start
        ([True], True)
    """
    table = np.asarray(counts, dtype=np.int64)
    if not len(table):
        return np.zeros(0, dtype=bool), False
    hidden = hidden_rows(
        table,
        [int(total) for total in table.sum(axis=0)],
        min_cell=min_cell,
        patients=patients,
        patient_totals=patient_totals,
    )
    unsafe = hidden.sum() == 1 or _small(table[hidden].sum(axis=0), min_cell).any()
    if patients is not None and hidden.any():
        people = np.asarray(patients, dtype=np.int64)
        held = _fewest(people[hidden], _apart(people, patient_totals))
        unsafe = unsafe or _small(held, min_cell).any()
    return hidden, bool(unsafe)


def _small(counts: Counts, min_cell: int) -> Mask:
    return np.asarray((counts >= 1) & (counts <= min_cell), dtype=np.bool_)


def _apart(patients: Counts | None, totals: Sequence[int] | None, rest: Counts | int = 0) -> Mask:
    """The groups in which nobody is in two rows: with the samples that the rows leave they add up."""
    if patients is None or totals is None:
        return np.zeros(1, dtype=np.bool_)
    return np.asarray(patients.sum(axis=0) + rest == np.asarray(totals), dtype=np.bool_)


def _fewest(patients: Counts, apart: Mask) -> Counts:
    """The fewest distinct patients that rows can hold together: the sum in groups where nobody is in two."""
    return np.asarray(np.where(apart, patients.sum(axis=0), patients.max(axis=0)), dtype=np.int64)
