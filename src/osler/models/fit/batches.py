"""Which records a step sees, and what of them: a pure function of seed, epoch and step."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from osler.models.fit.records import Ids, Records

# What a token becomes that is to be told: the mask, any token, or itself (Devlin et al. 2019, 3.1).
_AS_MASK, _AS_ANY = 0.8, 0.9


@dataclass(frozen=True)
class Batch:
    """What one step computes.

    Attributes:
        windows: token ids of each window, without special tokens.
        owner: int64 [n_windows] the record of the batch that each belongs to; views: a record's first, then
            all second ones.
        person: int64 [n_records].
        target: bool [n_records], the labels (`supervised`).
        told: of each window the positions that are to be told, and the tokens that stood there (`mlm`).
    """

    windows: list[Ids]
    owner: NDArray[np.int64]
    person: NDArray[np.int64]
    target: NDArray[np.bool_] | None = None
    told: list[tuple[list[int], Ids]] = field(default_factory=list)


def generator(*numbers: int) -> np.random.Generator:
    """Random numbers that depend on the numbers given and on nothing else."""
    return np.random.default_rng(np.random.SeedSequence(numbers))


def steps_of_epoch(n: int, *, batch: int) -> int:
    """Number of steps in which each of `n` examples is seen once."""
    return -(-n // batch)


def chosen(n: int, step: int, *, batch: int, seed: int) -> NDArray[np.int64]:
    """Numbers of the examples of a step: each epoch deals all of them out in a new order, evenly.

    Args:
        n: number of examples.
        step: number of the step, from 0, over all epochs.
        batch: most examples of a step.
        seed: any whole number.

    Examples:
        >>> sorted(int(i) for step in (2, 3) for i in chosen(5, step, batch=3, seed=0))
        [0, 1, 2, 3, 4]
    """
    per_epoch = steps_of_epoch(n, batch=batch)
    order = generator(seed, 0, step // per_epoch).permutation(n)
    return np.array_split(order, per_epoch)[step % per_epoch]


def view(records: Records, record: int, rng: np.random.Generator, *, dropout: float) -> Ids:
    """A random view of a record: some of its statements, in random order, one window at most.

    Args:
        records: the records.
        record: number of one.
        rng: random numbers.
        dropout: probability that a statement is left out; one always stays.

    Returns:
        Token ids. What does not fit whole into the window is left out.
    """
    order = rng.permutation(records.of(record))
    kept = order[rng.random(len(order)) >= dropout]
    return records.join(kept if len(kept) else order[:1])[0]


def view_batch(records: Records, which: NDArray[np.int64], rng: np.random.Generator, dropout: float) -> Batch:
    """Two views of each record: all first ones, then all second ones."""
    pairs = [[view(records, int(i), rng, dropout=dropout) for _ in range(2)] for i in which]
    return Batch(
        windows=[first for first, _ in pairs] + [second for _, second in pairs],
        owner=np.tile(np.arange(len(which)), 2),
        person=records.person[which],
    )


def record_batch(records: Records, which: NDArray[np.int64]) -> Batch:
    """All windows of each record, and its label."""
    windows = [records.join(records.of(int(i))) for i in which]
    return Batch(
        windows=[one for part in windows for one in part],
        owner=np.repeat(np.arange(len(which)), [len(part) for part in windows]),
        person=records.person[which],
        target=None if records.label is None else records.label[which],
    )


def mask(
    ids: Ids, rng: np.random.Generator, *, share: float, mask_id: int, vocabulary: int
) -> tuple[Ids, tuple[list[int], Ids]]:
    """Hide some tokens of a window.

    Args:
        ids: token ids of text, without special tokens.
        rng: random numbers.
        share: share of tokens that are to be told.
        mask_id: id of the mask.
        vocabulary: number of tokens there are.

    Returns:
        The ids with 80 % of those replaced by the mask, 10 % by any token and 10 % left; the positions that
        are to be told; the ids that stood there.
    """
    hidden = np.array(ids, dtype=np.int64)
    told = np.flatnonzero(rng.random(len(ids)) < share)
    fate, other = rng.random(len(told)), rng.integers(vocabulary, size=len(told))
    original = hidden[told]
    hidden[told] = np.where(fate < _AS_MASK, mask_id, np.where(fate < _AS_ANY, other, original))
    return hidden.tolist(), (told.tolist(), original.tolist())


def masked_batch(
    windows: list[Ids], rng: np.random.Generator, *, share: float, mask_id: int, vocabulary: int
) -> Batch:
    """Windows with some tokens hidden; where chance hid none at all, one is."""
    made = [mask(ids, rng, share=share, mask_id=mask_id, vocabulary=vocabulary) for ids in windows]
    if not any(told for _, (told, _) in made):
        longest = max(range(len(windows)), key=lambda i: len(windows[i]))
        place = int(rng.integers(len(windows[longest])))
        hidden = windows[longest].copy()
        hidden[place] = mask_id
        made[longest] = hidden, ([place], [windows[longest][place]])
    numbers = np.arange(len(windows))
    return Batch([hidden for hidden, _ in made], numbers, numbers, told=[told for _, told in made])
