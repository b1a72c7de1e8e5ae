"""Gradients of a step: in parts, several at a time, each by one thread; their number changes no byte.

A contrastive loss ties all views of a batch together. The vectors of all parts are computed first; the loss
then says how each vector is to change; and each part passes that on to the weights. Where the memory does not
hold what all parts need for that, each part is computed once more (Gao et al. 2021, GradCache). Gradients of
the parts are added in their order. The encoder's own dropout is off, so that what is computed twice is the
same twice.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from osler.base.errors import InputError
from osler.models.fit.batches import Batch
from osler.models.fit.network import Network
from osler.models.fit.objectives import Objective
from osler.models.fit.settings import FitSettings

T = TypeVar("T")

# Padded tokens of a part: enough to fill a core. Another value changes the last bits.
PART = 2048
_FLOAT = 4
# Values of the size of a token's vector, and of the inner layer, that a layer keeps for the gradient
# (measured with MiniLM and LoRA: 430 kB per token in all); and those of the vocabulary for a masked token.
_KEPT_HIDDEN, _KEPT_INNER, _KEPT_LOGITS = 24, 6, 3


@dataclass(frozen=True)
class Workers:
    """Threads that compute parts.

    Attributes:
        pool: the threads; torch uses one for each.
        at_once: parts computed at a time.
        kept: padded tokens whose intermediate values the memory holds.
    """

    pool: ThreadPoolExecutor
    at_once: int
    kept: int

    def each(self, work: Callable[[int], T], n: int) -> Iterator[T]:
        """`work` of 0, 1, ... n - 1, in this order, `at_once` of them at a time."""
        waiting: list[Future[T]] = []
        for number in range(n):
            waiting.append(self.pool.submit(work, number))
            if len(waiting) == self.at_once:
                yield waiting.pop(0).result()
        for one in waiting:
            yield one.result()


@contextmanager
def make_workers(network: Network, settings: FitSettings, *, threads: int) -> Iterator[Workers]:
    """Threads for a fit, as many as the memory allows; what torch used before comes back.

    Args:
        network: the encoder.
        settings: memory and objective.
        threads: most of them.

    Raises:
        InputError: the memory does not hold one part.
    """
    import torch

    kept = int(settings.memory * 2**30 / _bytes_per_token(network, settings))
    largest = max(PART, network.tokenizer.context)
    if kept < largest:
        raise InputError(
            f"fitting this encoder takes {settings.memory * largest / kept if kept else 0:.1f} GiB or more"
            if kept
            else "this memory holds no token of the encoder",
            where="--memory",
            remedy="allow more, or choose a smaller encoder",
        )
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield Workers(pool, at_once=max(1, min(threads, kept // largest)), kept=kept)
    finally:
        torch.set_num_threads(before)


def _bytes_per_token(network: Network, settings: FitSettings) -> int:
    config = network.model.config
    hidden = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", None) or 4 * hidden)
    values = (_KEPT_HIDDEN * hidden + _KEPT_INNER * inner) * int(config.num_hidden_layers)
    if settings.objective == "mlm":
        values += int(_KEPT_LOGITS * settings.masked * config.vocab_size)
    return values * _FLOAT


def divide(lengths: list[int], budget: int) -> list[list[int]]:
    """Put windows of like length together.

    Args:
        lengths: tokens of each window, special tokens included.
        budget: most padded tokens of a part; a longer window is a part of its own.

    Returns:
        Numbers of windows; each is in one part.

    Examples:
        >>> divide([5, 9, 5, 8], 20)
        [[0, 2], [3, 1]]
    """
    parts: list[list[int]] = [[]]
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if parts[-1] and (len(parts[-1]) + 1) * lengths[i] > budget:
            parts.append([])
        parts[-1].append(i)
    return parts


def backward(
    network: Network, objective: Objective, batch: Batch, workers: Workers, *, part: int = PART
) -> float:
    """Add the gradient of a batch's loss to the weights that learn.

    Args:
        network: the encoder.
        objective: what is learned.
        batch: a batch of the objective.
        workers: who computes.
        part: most padded tokens of a part.

    Returns:
        The loss.
    """
    lengths = [len(one) + network.special for one in batch.windows]
    parts = divide(lengths, part)
    if objective.loss_of_part is not None:
        return _of_tokens(network, objective, batch, workers, parts)
    padded = sum(len(one) * lengths[one[-1]] for one in parts)
    return _of_vectors(network, objective, batch, workers, parts, keep=padded <= workers.kept)


def _of_tokens(
    network: Network, objective: Objective, batch: Batch, workers: Workers, parts: list[list[int]]
) -> float:
    import torch

    weights = [*network.learns.values(), *objective.head.parameters()]
    told = [one for one in parts if any(batch.told[i][0] for i in one)]

    def work(number: int) -> tuple[float, Any]:
        assert objective.loss_of_part is not None
        loss = objective.loss_of_part(told[number], batch)
        return float(loss.item()), torch.autograd.grad(loss, weights, allow_unused=True)

    total = 0.0
    for loss, gradients in workers.each(work, len(told)):
        total += loss
        _add(weights, gradients)
    return total


def _of_vectors(
    network: Network,
    objective: Objective,
    batch: Batch,
    workers: Workers,
    parts: list[list[int]],
    *,
    keep: bool,
) -> float:
    import torch

    weights = list(network.learns.values())

    def forward(number: int) -> Any:
        with torch.set_grad_enabled(keep):
            return network.vectors([batch.windows[i] for i in parts[number]])

    made = list(workers.each(forward, len(parts)))
    place = torch.argsort(torch.tensor([i for one in parts for i in one]))
    vectors = torch.cat([one.detach() for one in made])[place].requires_grad_()
    assert objective.loss_of_vectors is not None
    loss = objective.loss_of_vectors(vectors, batch)
    loss.backward()

    def back(number: int) -> Any:
        part = parts[number]
        with torch.enable_grad():
            again = made[number] if keep else network.vectors([batch.windows[i] for i in part])
        return torch.autograd.grad(again, weights, vectors.grad[part], allow_unused=True)

    for gradients in workers.each(back, len(parts)):
        _add(weights, gradients)
    return float(loss.item())


def _add(weights: list[Any], gradients: Any) -> None:
    for one, gradient in zip(weights, gradients, strict=True):
        if gradient is not None:
            one.grad = gradient if one.grad is None else one.grad.add_(gradient)
