"""The losses: contrast of views, told tokens, weighted labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from osler.base.errors import InputError


def contrastive_loss(first: Any, second: Any, person: NDArray[np.int64], *, temperature: float) -> Any:
    """InfoNCE in both directions (van den Oord et al. 2018; Gao et al. 2021, SimCSE).

    Each view is to find the other view of its record among the views of the batch. Other records of the
    same person are no negatives.

    Args:
        first: float [n, dimension], a view of each record.
        second: float [n, dimension], another view.
        person: int64 [n] whose record it is.
        temperature: by which cosines are divided.

    Returns:
        The mean over records and directions.
    """
    import torch

    one, other = torch.nn.functional.normalize(first, dim=1), torch.nn.functional.normalize(second, dim=1)
    logits = one @ other.T / temperature
    same = (person[:, None] == person[None, :]) & ~np.eye(len(person), dtype=bool)
    logits = logits.masked_fill(torch.from_numpy(same), -torch.inf)
    itself = torch.arange(len(person))
    cross = torch.nn.functional.cross_entropy
    return (cross(logits, itself) + cross(logits.T, itself)) / 2


def class_weights(label: NDArray[np.bool_]) -> tuple[float, float]:
    """Weights of the samples without and with the event, so that both classes weigh the same in all.

    Args:
        label: bool [n], training samples.

    Raises:
        InputError: one class only.

    Examples:
        >>> class_weights(np.array([True, False, False, False]))
        (0.6666666666666666, 2.0)
    """
    positive = int(label.sum())
    if positive in (0, len(label)):
        raise InputError(
            "the labels of the training subjects have one class only",
            count=len(label),
            remedy="choose another outcome, a larger cohort, or another objective",
        )
    return len(label) / (2 * (len(label) - positive)), len(label) / (2 * positive)


def label_loss(logits: Any, label: NDArray[np.bool_], weights: tuple[float, float]) -> Any:
    """Cross-entropy of a boolean label, each class with its weight.

    Args:
        logits: float [n].
        label: bool [n].
        weights: of `class_weights`.
    """
    import torch

    target = torch.from_numpy(label.astype(np.float32))
    weight = torch.from_numpy(np.where(label, weights[1], weights[0]).astype(np.float32))
    loss = torch.nn.functional.binary_cross_entropy_with_logits
    return loss(logits, target, weight=weight)


def means_of_windows(vectors: Any, owner: NDArray[np.int64], weights: NDArray[np.int64], n: int) -> Any:
    """One vector per record: the mean of its windows' vectors, weighted by their tokens, as when encoding.

    Args:
        vectors: float [n_windows, dimension].
        owner: int64 [n_windows].
        weights: number of tokens of each window; 0 counts as 1.
        n: number of records; each owns a window.
    """
    import torch

    heavy = np.maximum(weights, 1).astype(np.float32)
    total = np.bincount(owner, weights=heavy, minlength=n)
    share = torch.from_numpy((heavy / total[owner]).astype(np.float32))
    matrix = torch.zeros(n, len(owner))
    matrix[torch.from_numpy(owner.astype(np.int64)), torch.arange(len(owner))] = share
    return matrix @ vectors
