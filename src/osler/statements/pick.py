"""Which event of each code a sample shows: its latest or its first visible one."""

from typing import Literal

import numpy as np

from osler.statements.packing import grouped, laid_out
from osler.statements.view import NO_TIME, View

_NEVER = np.iinfo(np.int32).max


def neighbours(
    view: View,
    wanted: np.ndarray,
    which: Literal["previous", "next"],
    *,
    within: np.ndarray | None = None,
) -> np.ndarray:
    """For each event the previous or the next one of the same subject and code.

    Args:
        view: the visible events.
        wanted: bool [n], events to link; the others stand outside.
        which: the direction.
        within: int [n] >= 0, a finer division of each code (for instance its unit); None: none.

    Returns:
        int32 [n] positions; -1 where there is no previous, n where there is no next one.
    """
    found = np.full(view.size, -1 if which == "previous" else view.size, dtype=np.int32)
    places = np.flatnonzero(wanted).astype(np.int32)
    some = len(places) < view.size
    keys = [key[places] if some else key for key in (view.subject, view.code, within) if key is not None]
    order, same = grouped(*keys)
    places = places[order]
    again = np.flatnonzero(same)
    earlier, later = places[again - 1], places[again]
    if which == "previous":
        found[later] = earlier
    else:
        found[earlier] = later
    return found


def pick(view: View, wanted: np.ndarray, which: Literal["latest", "first"]) -> tuple[np.ndarray, np.ndarray]:
    """The one event of each code that each sample shows.

    An event is the latest of its code for the samples from the first that sees it up to the one that sees the
    next event of the code: a range of samples. So only the lines that are shown are ever laid out.

    Args:
        view: the visible events.
        wanted: bool [n], events that may be shown.
        which: `latest` or `first`, in the canonical order of events.

    Returns:
        Sample and position of each line, int32 [n_lines] each.
    """
    places = np.flatnonzero(wanted)
    seen, left = view.first_seen(), view.left()
    begin, end = seen[places], left[places]
    outlived = None
    if which == "first":
        earlier = neighbours(view, wanted, "previous")[places]
        begin = np.maximum(begin, np.where(earlier >= 0, left[earlier], 0))
    else:
        later = neighbours(view, wanted, "next")[places]
        replaced = np.append(seen[: view.size], _NEVER)[later]
        if view.windowed:
            # A fact without time is shown again once the dated event that replaced it has left the window.
            dated = np.append(view.time != NO_TIME, False)
            outlived = ~dated[places] & dated[later]
            replaced[outlived] = _NEVER
        end = np.minimum(end, replaced)
    sample, place = laid_out(begin, end, places)
    return (sample, place) if outlived is None else _latest_only(view, sample, place)


def all_seen(view: View, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every wanted event that each sample sees: sample and position, int32 [n_lines] each."""
    places = np.flatnonzero(wanted)
    if len(places) == 0:
        return places, places
    return laid_out(view.first_seen()[places], view.left()[places], places)


def _latest_only(view: View, sample: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Within a sample and code the earlier position comes first, as `pick` lays lines out.
    order, same = grouped(sample, view.code[place])
    last = order[np.append(~same[1:], True)[: len(order)]]
    return sample[last], place[last]
