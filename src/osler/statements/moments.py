"""When events were: their place in a newest-first list, and their dates as text."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.statements.packing import factor, order_by
from osler.statements.spec import Style
from osler.statements.view import DAY, NO_TIME, View

FIRST_RANK = 2  # ranks 0 and 1 are those of age and sex


@dataclass(frozen=True)
class Moments:
    """When events were.

    Attributes:
        view: the visible events.
        rank: [n] place of each event in the order of lists; only ranks of shown events mean something.
    """

    view: View
    rank: np.ndarray

    def dated(self, places: np.ndarray, style: Style) -> dict[str, Any]:
        """Fields `day` and `days` of `Parts` for some positions; none when the style shows no dates."""
        if not style.dates:
            return {}
        time = self.view.time[places]
        known = time != NO_TIME
        ids, distinct = factor(np.where(known, time, 0) // DAY)
        days = pl.Series(distinct * DAY).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d:")
        return {"day": np.where(known, ids, -1), "days": days}


def moments_of(view: View, shown: np.ndarray) -> Moments:
    """Rank shown events: within a subject newest first, then as in the code book, then in canonical order.

    Args:
        view: the visible events.
        shown: bool [n], events that any sample shows.
    """
    places = np.flatnonzero(shown)
    rank = np.zeros(view.size, dtype=np.int32)
    if len(places):
        new = (view.time[1:] != view.time[:-1]) | (view.subject[1:] != view.subject[:-1])
        moment = np.cumsum(np.append(False, new), dtype=np.int32)[places]
        order = order_by(view.subject[places], moment[-1] - moment, view.code[places])
        rank[places[order]] = np.arange(FIRST_RANK, len(places) + FIRST_RANK, dtype=np.int32)
    return Moments(view=view, rank=rank)
