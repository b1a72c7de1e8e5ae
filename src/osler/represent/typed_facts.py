"""What the samples know of each slot: how many have a number, a text, which texts, whether they differ."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.represent.typed_events import Reading, ShardEvents
from osler.represent.typed_slots import Slots

_LEVEL_KINDS = ("ordinal", "categorical", "flag")


@dataclass
class Facts:
    """Facts on each slot over all samples; arrays are [n_slots].

    Attributes:
        any: samples that see an event.
        number: samples that see a number.
        text: samples that see a text.
        low, high: smallest and largest of their latest numbers.
        texts: slot -> latest text -> samples; where the code book has levels only these, and not for slots
            in `many`.
        many: slots without levels in the code book that have more different latest texts than are kept.
    """

    any: np.ndarray
    number: np.ndarray
    text: np.ndarray
    low: np.ndarray
    high: np.ndarray
    texts: dict[int, dict[str, int]]
    many: set[int]

    @classmethod
    def none(cls, n_slots: int) -> "Facts":
        """Facts before any shard was read."""
        zeros = np.zeros(n_slots, dtype=np.int64)
        infinite = np.full(n_slots, np.inf)
        return cls(zeros, zeros.copy(), zeros.copy(), infinite, -infinite, {}, set())

    def add(self, other: "Facts", *, slots: Slots, most: int) -> None:
        """Add the facts of another shard.

        Args:
            other: its facts.
            slots: what codes mean.
            most: most different texts that are kept of a slot without levels.
        """
        self.any += other.any
        self.number += other.number
        self.text += other.text
        self.low = np.minimum(self.low, other.low)
        self.high = np.maximum(self.high, other.high)
        for slot, texts in other.texts.items():
            if slot in self.many:
                continue
            known, levels = self.texts.setdefault(slot, {}), slots.slots[slot].levels
            for text, count in texts.items():
                if not levels or text in levels:
                    known[text] = known.get(text, 0) + count
            if not levels and len(known) > most:
                self.many.add(slot)
                del self.texts[slot]


def undecided(slots: Slots) -> Reading:
    """How events are read before it is known what becomes of a slot: numbers and texts.

    A kind that the code book gives says what is read. Where it gives none, a text counts only where there is
    no number (`<0.1` beside 0.1 is no level).
    """
    live = np.array([slot.left_out is None for slot in slots.slots], dtype=bool)
    open_kind = np.array([slot.kind is None for slot in slots.slots], dtype=bool)
    numeric = np.array([slot.kind == "numeric" for slot in slots.slots], dtype=bool)
    level = np.array([slot.kind in _LEVEL_KINDS for slot in slots.slots], dtype=bool)
    return Reading(
        number=live & (numeric | open_kind), text=live & (level | open_kind), spelled=level, either=open_kind
    )


def facts_of(events: ShardEvents, slots: Slots, *, lookback: float | None) -> Facts:
    """Facts on the samples of one shard."""
    n_slots = len(slots)
    facts = Facts.none(n_slots)
    last_number, last_text = events.last_number, events.last_text
    parts = []
    for seen in events.seen(lookback):
        facts.any += np.bincount(seen.slot, minlength=n_slots)
        at = seen.latest(last_number)
        slot, value = seen.slot[at >= 0], events.number[at[at >= 0]]
        facts.number += np.bincount(slot, minlength=n_slots)
        np.minimum.at(facts.low, slot, value)
        np.maximum.at(facts.high, slot, value)
        at = seen.latest(last_text)
        facts.text += np.bincount(seen.slot[at >= 0], minlength=n_slots)
        frame = pl.DataFrame({"slot": seen.slot[at >= 0], "text": events.text.gather(at[at >= 0])})
        parts.append(frame.group_by("slot", "text").len("n"))
    if parts:
        counted = pl.concat(parts).group_by("slot", "text").agg(pl.col("n").sum())
        for key, text, n in counted.iter_rows():
            facts.texts.setdefault(key, {})[text] = n
    return facts
