"""Which event of each code a sample shows: its latest or its first visible one."""

from typing import Literal

import numpy as np

from osler.statements.packing import order_by, ragged
from osler.statements.view import NO_TIME, View


def chains(
    view: View, wanted: np.ndarray, *, within: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """For each event the previous and the next one of the same subject and code.

    Args:
        view: the visible events.
        wanted: bool [n], events to link; the others stand outside.
        within: int [n] >= 0, a finer division of each code (for instance its unit); None: none.

    Returns:
        Two int64 arrays [n]: positions, -1 where there is no previous and n where there is no next one.
    """
    before, after = np.full(view.size, -1), np.full(view.size, view.size)
    places = np.flatnonzero(wanted)
    keys = [view.subject[places], view.code[places]]
    if within is not None:
        keys.append(within[places])
    order = order_by(*keys)
    same = np.ones(max(len(places) - 1, 0), dtype=bool)
    for key in keys:
        ordered = key[order]
        same &= ordered[1:] == ordered[:-1]
    places = places[order]
    earlier, later = places[:-1][same], places[1:][same]
    before[later] = earlier
    after[earlier] = later
    return before, after


def pick(view: View, wanted: np.ndarray, which: Literal["latest", "first"]) -> tuple[np.ndarray, np.ndarray]:
    """The one event of each code that each sample shows.

    An event is the latest of its code for the samples from the first that sees it up to the one that sees the
    next event of the code: a range of samples. So only the lines that are shown are ever laid out.

    Args:
        view: the visible events.
        wanted: bool [n], events that may be shown.
        which: `latest` or `first`, in the canonical order of events.

    Returns:
        Sample and position of each line, int64 [n_lines] each.
    """
    before, after = chains(view, wanted)
    places = np.flatnonzero(wanted)
    seen, left = view.first_seen(), view.left()
    begin, end = seen[places], left[places]
    outlived = np.zeros(len(places), dtype=bool)
    if which == "first":
        earlier = before[places]
        begin = np.maximum(begin, np.where(earlier >= 0, left[earlier], 0))
    else:
        later = after[places]
        # A fact without time is shown again once the dated event that replaced it has left the window.
        outlived = (view.windowed & (view.time[places] == NO_TIME)) & (later < view.size)
        outlived[outlived] = view.time[later[outlived]] != NO_TIME
        end = np.where((later < view.size) & ~outlived, np.minimum(end, seen[later]), end)
    line, offset = ragged(np.maximum(end - begin, 0))
    sample, place = begin[line] + offset, places[line]
    return _latest_only(view, sample, place) if outlived.any() else (sample, place)


def all_seen(view: View, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every wanted event that each sample sees: sample and position, int64 [n_lines] each."""
    places = np.flatnonzero(wanted)
    begin = view.first_seen()[places]
    line, offset = ragged(np.maximum(view.left()[places] - begin, 0))
    return begin[line] + offset, places[line]


def _latest_only(view: View, sample: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = order_by(sample, view.code[place], place)
    sample, place = sample[order], place[order]
    repeated = (sample[1:] == sample[:-1]) & (view.code[place[1:]] == view.code[place[:-1]])
    last = np.append(~repeated, True)
    return sample[last], place[last]
