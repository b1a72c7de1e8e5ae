"""What fitting will cost, said before it begins."""

import time
from dataclasses import replace

import numpy as np

from osler.base.progress import note
from osler.models.fit.batches import chosen, generator
from osler.models.fit.gradients import backward, make_workers
from osler.models.fit.loop import all_that_learns, count_steps
from osler.models.fit.network import Network
from osler.models.fit.objectives import Objective
from osler.models.fit.records import Records
from osler.models.fit.settings import FitSettings

# Examples of the step that is timed: enough to be of the usual lengths.
_TRIED = 16


def announce(
    network: Network, objective: Objective, records: Records, settings: FitSettings, *, threads: int
) -> None:
    """One line on standard error: texts, tokens, steps, weights that learn, about how long.

    Args:
        network: the encoder; its weights stay as they are.
        objective: what is learned.
        records: the texts.
        settings: how.
        threads: parts of a step computed at a time.
    """
    steps = count_steps(objective.n, settings)
    learns = all_that_learns(network, objective)
    which = chosen(objective.n, 0, batch=settings.batch, seed=settings.seed)[:_TRIED]
    batch = objective.batch(which, generator(settings.seed, 1, 0))
    per_step = min(settings.batch, objective.n)
    with make_workers(network, settings, threads=threads) as workers:
        # As much is computed twice as in a whole step.
        hands = replace(workers, kept=workers.kept * len(which) // per_step)
        times = []
        for _ in range(2):  # the first one is cold
            start = time.perf_counter()
            backward(network, objective, batch, hands)
            times.append(time.perf_counter() - start)
    for one in learns.values():
        one.grad = None
    seconds = min(times) * steps * per_step / len(which)
    tokens = objective.n_tokens * steps * per_step // objective.n
    n_weights = sum(int(np.prod(one.shape)) for one in network.learns.values())
    note(
        f"fit: {records.n:,} texts, {steps:,} steps of {per_step:,}, {tokens:,} tokens, "
        f"{n_weights:,} weights that learn: about {seconds:,.0f} s with {network.facts.name}, "
        f"{workers.at_once} parts at a time"
    )
    left = {
        "texts that teach nothing": objective.n_skipped,
        "statements longer than a window, divided": records.n_cut,
    }
    for what, count in left.items():
        if count:
            note(f"fit: {what}: {count:,}")
