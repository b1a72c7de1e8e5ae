"""Suppression: nobody can work out a small cell from what is shown."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from osler.reports.suppress import hidden_events, hidden_removals, hidden_rows

MIN = 10


def bounds(
    shape: tuple[int, int], known: dict[tuple[int, int], int], totals: list[int], cell: tuple[int, int]
):
    """The least and the largest value of a cell that fit every published number (linear programming)."""
    rows, columns = shape
    equations, values = [], []
    for place, value in known.items():
        row = np.zeros(rows * columns)
        row[place[0] * columns + place[1]] = 1
        equations.append(row)
        values.append(value)
    for column, total in enumerate(totals):
        row = np.zeros(rows * columns)
        row[column::columns] = 1
        equations.append(row)
        values.append(total)
    goal = np.zeros(rows * columns)
    goal[cell[0] * columns + cell[1]] = 1
    low = linprog(goal, A_eq=equations, b_eq=values, bounds=(0, None)).fun
    high = -linprog(-goal, A_eq=equations, b_eq=values, bounds=(0, None)).fun
    return low, high


@settings(max_examples=60, deadline=None)
@given(
    table=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30)), min_size=1, max_size=6),
    rest=st.tuples(st.integers(0, 60), st.integers(0, 15)),
)
def test_no_small_cell_of_a_table_can_be_worked_out(table, rest):
    counts = np.array(table)
    totals = [int(n) for n in counts.sum(axis=0) + np.array(rest)]
    if any(1 <= total <= MIN for total in totals):
        return  # the caller does not show the groups then
    hidden = hidden_rows(counts, totals, min_cell=MIN)
    full = np.vstack([counts, rest])
    known = {(i, j): int(counts[i, j]) for i in range(len(counts)) if not hidden[i] for j in range(2)}
    assert not any(1 <= value <= MIN for value in known.values())
    assert not any(1 <= counts[i].sum() <= MIN for i in range(len(counts)) if not hidden[i])
    for i, j in itertools.product(range(len(full)), range(2)):
        if 1 <= full[i, j] <= MIN:
            low, high = bounds(full.shape, known, totals, (i, j))
            assert high - low > MIN / 2, "a small cell can be bounded too closely"
            assert high > MIN


def test_one_small_level_takes_the_smallest_other_with_it():
    counts = np.array([[500, 40], [200, 3], [300, 57]])
    assert hidden_rows(counts, [1000, 100], min_cell=MIN).tolist() == [False, True, True]


def test_the_rest_of_the_totals_is_a_row_too():
    # 997 of 1000 have the flag: showing it would give the three without away.
    assert hidden_rows(np.array([[900, 97]]), [900, 100], min_cell=MIN).tolist() == [True]


def test_nothing_is_hidden_without_need():
    counts = np.array([[500, 40], [200, 0], [300, 60]])
    assert not hidden_rows(counts, [1000, 100], min_cell=MIN).any()
    assert not hidden_rows(np.array([[5, 5]]), [10, 10], min_cell=0).any()


def test_overlapping_levels_hide_only_themselves():
    counts = np.array([[900, 90], [800, 4], [700, 70]])
    assert hidden_rows(counts, [1000, 100], min_cell=MIN).tolist() == [False, True, False]


def event_bounds(n, events, hide_n, hidden, cell):
    """Range of the events of one group, given what is shown and both totals, by linear programming."""
    size = len(n)
    equations, values = [], []

    def fix(index, value):
        row = np.zeros(2 * size)
        row[index] = 1
        equations.append(row)
        values.append(value)

    for i in range(size):
        if not hide_n[i]:
            fix(i, n[i])
        if not hidden[i]:
            fix(size + i, events[i])
    for start, whole in ((0, n), (size, events)):
        row = np.zeros(2 * size)
        row[start : start + size] = 1
        equations.append(row)
        values.append(whole.sum())
    below = np.hstack([-np.eye(size), np.eye(size)])
    goal = np.zeros(2 * size)
    goal[size + cell] = 1
    args = {"A_eq": equations, "b_eq": values, "A_ub": below, "b_ub": np.zeros(size), "bounds": (0, None)}
    return linprog(goal, **args).fun, -linprog(-goal, **args).fun


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 1)), min_size=2, max_size=6))
def test_no_small_number_of_events_can_be_worked_out(groups):
    n = np.array([size for size, _ in groups])
    events = np.array([round(size * share) for size, share in groups])
    total = int(events.sum())
    if 1 <= total <= MIN or 1 <= n.sum() - total <= MIN:
        return
    hide_n, hidden = hidden_events(n, events, min_cell=MIN)
    assert (hide_n <= hidden).all()
    shown = ~hidden
    assert not any(1 <= value <= MIN for value in [*events[shown], *(n - events)[shown], *n[~hide_n]])
    if hide_n.all():
        return  # nothing but the totals is shown
    for cell in range(len(n)):
        if 1 <= events[cell] <= MIN:
            low, high = event_bounds(n, events, hide_n, hidden, cell)
            assert high - low >= min(MIN, events[cell]), "a small number of events can be bounded too closely"


@pytest.mark.parametrize(
    ("removed", "hidden", "start"),
    [
        ([120, 3, 40], [False, True, True], False),
        ([3], [True], True),
        ([3, 4], [True, True], True),
        ([30, 40], [False, False], False),
        ([], [], False),
    ],
)
def test_removals(removed, hidden, start):
    mask, hide_start = hidden_removals(np.array(removed).reshape(-1, 1), min_cell=MIN)
    assert mask.tolist() == hidden
    assert hide_start is start


@st.composite
def visits(draw):
    """The level, the outcome and the patient of each sample; some patients have many."""
    rows = []
    for patient in range(draw(st.integers(30, 90))):
        level, event = draw(st.integers(0, 3)), draw(st.booleans())
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 15]))):
            rows.append((level if draw(st.integers(0, 9)) else draw(st.integers(0, 4)), event, patient))
    return rows


def held(rows, *, levels=None, event=None) -> int:
    """Distinct patients of some rows, from the rows themselves."""
    chosen = [row for row in rows if (levels is None or row[0] in levels) and event in (None, row[1])]
    return len({patient for _, _, patient in chosen})


@settings(max_examples=80, deadline=None)
@given(visits())
def test_no_cell_and_no_sum_of_hidden_cells_is_of_few_patients(rows):
    groups = (False, True)
    if any(1 <= held(rows, event=event) <= MIN for event in groups):
        return  # the caller does not show the groups then
    levels = sorted({level for level, _, _ in rows})
    counts = np.array([[sum(row[:2] == (level, e) for row in rows) for e in groups] for level in levels])
    patients = np.array([[held(rows, levels={level}, event=e) for e in groups] for level in levels])
    totals, people = counts.sum(axis=0).tolist(), [held(rows, event=event) for event in groups]
    hidden = hidden_rows(counts, totals, min_cell=MIN, patients=patients, patient_totals=people)
    assert not ((patients[~hidden] >= 1) & (patients[~hidden] <= MIN)).any()
    secret = {level for level, hide in zip(levels, hidden, strict=True) if hide}
    if secret and not hidden.all():
        assert len(secret) >= 2
        assert not any(1 <= held(rows, levels=secret, event=event) <= MIN for event in (None, *groups))
    # Where each sample is a patient of its own nothing changes.
    same = hidden_rows(counts, totals, min_cell=MIN, patients=counts, patient_totals=totals)
    assert same.tolist() == hidden_rows(counts, totals, min_cell=MIN).tolist()


@settings(max_examples=80, deadline=None)
@given(visits())
def test_no_events_of_few_patients_are_shown_or_left_over(rows):
    levels = sorted({level for level, _, _ in rows})
    n = np.array([sum(row[0] == level for row in rows) for level in levels])
    events = np.array([sum(row[:2] == (level, True) for row in rows) for level in levels])
    kinds = (None, True, False)
    patients = np.array([[held(rows, levels={level}, event=kind) for kind in kinds] for level in levels])
    people = [held(rows, event=kind) for kind in kinds]
    hide_n, hidden = hidden_events(n, events, min_cell=MIN, patients=patients, patient_totals=people)
    assert (hide_n <= hidden).all()
    assert not ((patients[~hidden] >= 1) & (patients[~hidden] <= MIN)).any()
    assert not ((patients[~hide_n, 0] >= 1) & (patients[~hide_n, 0] <= MIN)).any()
    if hidden.any() and not hidden.all():
        secret = {level for level, hide in zip(levels, hidden, strict=True) if hide}
        assert not any(1 <= held(rows, levels=secret, event=kind) <= MIN for kind in kinds)
    plain = hidden_events(n, events, min_cell=MIN)
    alone = np.column_stack([n, events, n - events])
    same = hidden_events(n, events, min_cell=MIN, patients=alone, patient_totals=alone.sum(axis=0).tolist())
    assert [mask.tolist() for mask in same] == [mask.tolist() for mask in plain]


def test_a_removal_of_many_samples_of_few_patients_is_hidden():
    counts, patients = np.array([[120], [15], [40]]), np.array([[60], [1], [30]])
    mask, start = hidden_removals(counts, min_cell=MIN, patients=patients, patient_totals=[80])
    assert (mask.tolist(), start) == ([False, True, True], False)
    # Two steps of the same six patients are no more than six patients.
    mask, start = hidden_removals(
        np.array([[20], [30]]), min_cell=MIN, patients=np.array([[6], [6]]), patient_totals=[6]
    )
    assert (mask.tolist(), start) == ([True, True], True)
