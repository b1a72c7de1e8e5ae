"""The loop of steps: repeatable, and resumed after a break-off with the same bytes.

All that a step draws is a function of the seed and its number, and no sum depends on the number of threads:
on the same kind of machine, with the same versions, the same records give the same bytes.
"""

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.progress import bar
from osler.models.fit.batches import chosen, generator, steps_of_epoch
from osler.models.fit.checkpoint import load_losses, restore_weights, save_state
from osler.models.fit.gradients import backward, make_workers
from osler.models.fit.network import Network
from osler.models.fit.objectives import Objective
from osler.models.fit.settings import FitSettings

_LARGEST_GRADIENT = 1.0
# A large encoder takes minutes for a few steps: a checkpoint is written after so many seconds at the latest.
_CHECKPOINT_SECONDS = 60.0


def count_steps(n: int, settings: FitSettings) -> int:
    """Steps in all.

    Args:
        n: number of examples.
        settings: epochs, batch, most steps.

    Examples:
        >>> count_steps(100, FitSettings(epochs=2, batch=32)), count_steps(100, FitSettings(steps=3))
        (8, 3)
    """
    every = settings.epochs * steps_of_epoch(n, batch=settings.batch)
    return every if settings.steps is None else min(every, settings.steps)


def rate(step: int, total: int, *, warmup: float) -> float:
    """Share of the highest learning rate: a rise over the warm-up, then a straight fall to 0.

    Examples:
        >>> [round(rate(step, 10, warmup=0.2), 3) for step in (0, 1, 2, 9)]
        [0.5, 1.0, 1.0, 0.125]
    """
    rising = math.ceil(warmup * total)
    if step < rising:
        return (step + 1) / rising
    return (total - step) / max(total - rising, 1)


def run_steps(
    network: Network,
    objective: Objective,
    settings: FitSettings,
    part: Path,
    *,
    threads: int,
    checkpoint_steps: int,
) -> list[float]:
    """Fit; what was done before a break-off is not done again.

    Args:
        network: the encoder.
        objective: what is learned.
        settings: steps, rates, seed, memory.
        part: folder of the unfinished result, which keeps the checkpoint.
        threads: parts of a step computed at a time; the result does not depend on it.
        checkpoint_steps: most steps between checkpoints.

    Returns:
        The loss of each step.

    Raises:
        InputError: the loss is no number any more.
    """
    import torch

    learns = all_that_learns(network, objective)
    optimizer = _optimizer(network, objective, settings)
    losses = load_losses(part)
    if losses:
        restore_weights(part, learns, optimizer)
    peaks = [group["lr"] for group in optimizer.param_groups]
    total = count_steps(objective.n, settings)
    with (
        make_workers(network, settings, threads=threads) as workers,
        bar("fitting, steps", total=total) as tick,
    ):
        tick(len(losses))
        saved = time.monotonic()
        for step in range(len(losses), total):
            which = chosen(objective.n, step, batch=settings.batch, seed=settings.seed)
            batch = objective.batch(which, generator(settings.seed, 1, step))
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * rate(step, total, warmup=settings.warmup)
            losses.append(backward(network, objective, batch, workers))
            size = torch.nn.utils.clip_grad_norm_(list(learns.values()), _LARGEST_GRADIENT)
            if not np.isfinite(losses[-1]) or not bool(torch.isfinite(size)):
                raise InputError(
                    f"the loss of step {step + 1} is no number",
                    where="osler encoders fit",
                    remedy="use a lower --learning-rate, in a new folder",
                )
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            tick(1)
            due = (step + 1) % checkpoint_steps == 0 or time.monotonic() - saved > _CHECKPOINT_SECONDS
            if due and step + 1 < total:
                save_state(part, learns, optimizer, losses)
                saved = time.monotonic()
    return losses


def all_that_learns(network: Network, objective: Objective) -> dict[str, Any]:
    """Weights of the encoder and of the head that learn, by name."""
    head = {} if objective.head is None else dict(objective.head.named_parameters())
    return {**network.learns, **{f"head.{name}": one for name, one in head.items()}}


def _optimizer(network: Network, objective: Objective, settings: FitSettings) -> Any:
    import torch

    ours = list(network.learns.values())
    groups: list[dict[str, Any]] = [
        {"params": [one for one in ours if one.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [one for one in ours if one.ndim <= 1]},
    ]
    if objective.head is not None:
        groups.append({"params": list(objective.head.parameters()), "lr": settings.head_learning_rate})
    filled = [group for group in groups if group["params"]]
    return torch.optim.AdamW(filled, lr=settings.peak_learning_rate, weight_decay=0.0, foreach=False)
