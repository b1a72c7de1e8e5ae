"""Small cells: counts of 1 to `min_cell` patients are hidden, and so is whatever would give them away.

A hidden cell is safe only when no sum of published numbers isolates it. The tables of a report are of three
shapes, each with its rule; totals (cohort, events) are always taken as published.

The rules are those of primary and complementary suppression (Hundepool et al., Statistical Disclosure
Control, 2012, chapter 4), with the bounds that a reader can work out checked instead of cell counts alone.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def is_small(value: float | None, *, min_cell: int) -> bool:
    """Whether a count must not be shown.

    Examples:
        >>> [is_small(n, min_cell=10) for n in (0, 1, 10, 11)]
        [False, True, True, False]
    """
    return value is not None and 1 <= value <= min_cell


def hidden_rows(counts: NDArray[np.int64], totals: Sequence[int], *, min_cell: int) -> Mask:
    """Rows to hide in a table of levels by groups, of which the column totals are published.

    A row is shown or hidden as a whole. What the rows leave of the totals counts as one more row, which is
    never printed but could be worked out. Rows are hidden until there are two or more and the sum of the
    hidden ones, which can be worked out, is itself no small cell in any group.

    Args:
        counts: patients, shape [rows, groups].
        totals: patients of each group, length groups.
        min_cell: largest count that is hidden.

    Returns:
        Shape [rows]; True where the row is hidden.

    Examples:
        >>> hidden_rows(np.array([[500, 40], [200, 3], [300, 57]]), [1000, 100], min_cell=10).tolist()
        [False, True, True]
    """
    table = np.asarray(counts, dtype=np.int64)
    rest = np.asarray(totals, dtype=np.int64) - table.sum(axis=0)
    # Overlapping levels add up to more than the totals: nothing can be worked out from those.
    additive = bool((rest >= 0).all())
    has_rest = additive and bool(rest.any())
    full = np.vstack([rest, table]) if has_rest else table
    full = np.column_stack([full, full.sum(axis=1)])
    small = (full >= 1) & (full <= min_cell)
    hidden: Mask = np.asarray(small.any(axis=1), dtype=np.bool_)
    size = full[:, -1].astype(float)
    if has_rest:
        size[0] = 0.5  # hiding what is not printed costs nothing, so it goes first
    while additive and hidden.any() and not hidden.all():
        sums = full[hidden].sum(axis=0)
        if hidden.sum() >= 2 and not ((sums >= 1) & (sums <= min_cell)).any():
            break
        candidates = np.flatnonzero(~hidden)
        filled = candidates[size[candidates] > 0]
        pool = filled if len(filled) else candidates
        hidden[pool[np.argmin(size[pool])]] = True
    return hidden[1:] if has_rest else hidden


def hidden_events(n: NDArray[np.int64], events: NDArray[np.int64], *, min_cell: int) -> tuple[Mask, Mask]:
    """What to hide in a table of groups with patients and events, of which both totals are published.

    Args:
        n: patients of each group.
        events: those of them with the event.
        min_cell: largest count that is hidden.

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
    hide_n = hidden_rows(n[:, None], [int(n.sum())], min_cell=min_cell)
    others = n - events
    hidden = hide_n | ((events >= 1) & (events <= min_cell)) | ((others >= 1) & (others <= min_cell))
    while hidden.any() and not hidden.all():
        if _bounds_are_wide(n, events, hide_n, hidden, min_cell=min_cell):
            break
        candidates = np.flatnonzero(~hidden)
        hidden[candidates[np.argmin(n[candidates])]] = True
    if hidden.all() and len(n) > 1 and not _bounds_are_wide(n, events, hide_n, hidden, min_cell=min_cell):
        # The sizes alone say too much about who had the event.
        hide_n = np.ones(len(n), dtype=np.bool_)
    return hide_n, hidden


def _bounds_are_wide(
    n: NDArray[np.int64], events: NDArray[np.int64], hide_n: Mask, hidden: Mask, *, min_cell: int
) -> bool:
    """Whether the events of each hidden group can still lie anywhere in a range wider than a small cell."""
    total = int(events[hidden].sum())
    hidden_people = int(n[hidden & hide_n].sum())
    capacity = np.where(hide_n, hidden_people, n)
    others_capacity = int(n[hidden & ~hide_n].sum()) + hidden_people - np.where(hide_n, 0, n)
    low = np.maximum(0, total - others_capacity)
    high = np.minimum(capacity, total)
    return bool(((high - low)[hidden] >= min_cell).all())


def hidden_removals(counts: NDArray[np.int64], *, min_cell: int) -> tuple[Mask, bool]:
    """What to hide in a flow of removals whose end is published.

    Args:
        counts: what each step removed, shape [steps, units] (samples, subjects).
        min_cell: largest count that is hidden.

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
    totals = table.sum(axis=0)
    hidden = hidden_rows(table, [int(total) for total in totals], min_cell=min_cell)
    sums = table[hidden].sum(axis=0)
    unsafe = hidden.sum() == 1 or ((sums >= 1) & (sums <= min_cell)).any()
    return hidden, bool(unsafe)
