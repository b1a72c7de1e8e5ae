"""What is learned: batches and losses of each objective, and gradients in parts that fit the memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from osler.base.errors import InputError
from osler.models.fit.batches import Batch, masked_batch, record_batch, view_batch
from osler.models.fit.heads import label_head, masked_head, require_masked, token_logits
from osler.models.fit.losses import class_weights, contrastive_loss, label_loss, means_of_windows
from osler.models.fit.network import Network
from osler.models.fit.records import MIN_RECORDS, Records
from osler.models.fit.settings import FitSettings

Rng = np.random.Generator


@dataclass(frozen=True)
class Objective:
    """What is learned from some records.

    Attributes:
        n: number of examples: records, or windows (`mlm`).
        n_tokens: tokens of all examples; of contrastive ones, at most so many in both views.
        n_skipped: records that teach nothing.
        batch: makes the batch of some examples.
        loss_of_vectors: loss of a batch from the vectors of all its windows; None for `mlm`.
        loss_of_part: share of some windows of a batch in its loss; None for the others.
        head: what learns along and is thrown away; None where there is none.
    """

    n: int
    n_tokens: int
    n_skipped: int
    batch: Callable[[NDArray[np.int64], Rng], Batch]
    loss_of_vectors: Callable[[Any, Batch], Any] | None = None
    loss_of_part: Callable[[list[int], Batch], Any] | None = None
    head: Any = None


def make_objective(network: Network, records: Records, settings: FitSettings) -> Objective:
    """The objective of the settings.

    Raises:
        InputError: it does not apply to this encoder or these records.
    """
    kinds = {"contrastive": _contrastive, "mlm": _masked, "supervised": _supervised}
    return kinds[settings.objective](network, records, settings)


def _contrastive(network: Network, records: Records, settings: FitSettings) -> Objective:
    usable = np.flatnonzero(records.counts > 1)
    persons = len(np.unique(records.person[usable]))
    if len(usable) < MIN_RECORDS or persons < 2:
        raise InputError(
            f"too few texts with two statements or more, of which views can be made: {len(usable)} of "
            f"{persons} persons; at least {MIN_RECORDS} of 2 persons are needed",
            count=len(usable),
            remedy="use a larger cohort, or --objective mlm",
        )

    def loss(vectors: Any, batch: Batch) -> Any:
        n = len(batch.person)
        return contrastive_loss(vectors[:n], vectors[n:], batch.person, temperature=settings.temperature)

    per_record = np.add.reduceat(
        records.lengths[records.piece], np.concatenate([[0], np.cumsum(records.counts)[:-1]])
    )
    seen = np.minimum((1 - settings.statement_dropout) * per_record[usable], records.room)
    return Objective(
        n=len(usable),
        n_tokens=int(2 * seen.sum()),
        n_skipped=records.n - len(usable),
        batch=lambda which, rng: view_batch(records, usable[which], rng, settings.statement_dropout),
        loss_of_vectors=loss,
    )


def _supervised(network: Network, records: Records, settings: FitSettings) -> Objective:
    import torch

    if records.label is None:
        raise InputError("supervised fitting needs labels", remedy="name a folder of labels with --labels")
    weights = class_weights(records.label)
    head = label_head(network.facts.dimension, seed=settings.seed)
    # A unit vector has small entries: the head gets them in the size that its learning rate is made for.
    scale = float(np.sqrt(network.facts.dimension)) if network.facts.normalise else 1.0

    def loss(vectors: Any, batch: Batch) -> Any:
        lengths = np.array([len(one) for one in batch.windows])
        means = means_of_windows(vectors, batch.owner, lengths, len(batch.person))
        if network.facts.normalise:
            means = torch.nn.functional.normalize(means, dim=1)
        assert batch.target is not None
        return label_loss(head(means * scale)[:, 0], batch.target, weights)

    return Objective(
        n=records.n,
        n_tokens=records.n_tokens,
        n_skipped=0,
        batch=lambda which, _: record_batch(records, which),
        loss_of_vectors=loss,
        head=head,
    )


def _masked(network: Network, records: Records, settings: FitSettings) -> Objective:
    import torch

    mask_id = require_masked(network)
    head = masked_head(network, seed=settings.seed)
    vocabulary = network.model.get_input_embeddings().weight.shape[0]
    start = len(network.tokenizer.prefix)
    counts = [sum(len(window) > 0 for window in records.join(records.of(i))) for i in range(records.n)]
    owner = np.repeat(np.arange(records.n), counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    if not len(owner):
        raise InputError("the texts have no tokens", remedy="make texts with statements")

    def batch(which: NDArray[np.int64], rng: Rng) -> Batch:
        windows = []
        for i in which:
            whole = [one for one in records.join(records.of(int(owner[i]))) if one]
            windows.append(whole[number[i]])
        return masked_batch(windows, rng, share=settings.masked, mask_id=mask_id, vocabulary=vocabulary)

    def loss(part: list[int], made: Batch) -> Any:
        hidden, _ = network.hidden([made.windows[i] for i in part])
        rows = [row for row, i in enumerate(part) for _ in made.told[i][0]]
        columns = [start + place for i in part for place in made.told[i][0]]
        tokens = [token for i in part for token in made.told[i][1]]
        every = sum(len(places) for places, _ in made.told)
        logits = token_logits(network, head, hidden[rows, columns])
        summed = torch.nn.functional.cross_entropy(
            logits, torch.tensor(tokens, dtype=torch.long), reduction="sum"
        )
        return summed / every

    return Objective(
        n=len(owner),
        n_tokens=records.n_tokens,
        n_skipped=int((np.array(counts) == 0).sum()),
        batch=batch,
        loss_of_part=loss,
        head=head,
    )
