"""What a latent class solution must show before its classes are believed."""

from collections.abc import Mapping
from dataclasses import dataclass

STARTS = 50
REPLICATED = 2
MEAN_POSTERIOR = 0.8
SMALLEST_SHARE = 0.05


@dataclass(frozen=True)
class Condition:
    """One condition.

    Attributes:
        name: the fact that it is on.
        value: what was found.
        least: what is needed.
        holds: whether it is met.
    """

    name: str
    value: float
    least: float
    holds: bool


def adequacy(facts: Mapping[str, float]) -> tuple[Condition, ...]:
    """Which conditions a fit meets: starts, best solution found again, posteriors, size of the classes.

    The limits are those of common practice (Nylund-Gibson and Choi 2018; Weller, Bowen and Faubert 2020): 50
    random starts, the best log likelihood reached by 2 or more finalists, a mean posterior of .8 in each
    class, and 5 % of the samples in the smallest.

    Args:
        facts: of a partition of `lca.fit` that had no model to start from.

    Returns:
        One condition for each of `starts`, `best_replicated`, `mean_posterior`, `smallest_share`.

    Examples:
        >>> facts = {"starts": 50, "best_replicated": 1, "mean_posterior": 0.93, "smallest_share": 0.06}
        >>> [condition.name for condition in adequacy(facts) if not condition.holds]
        ['best_replicated']
    """
    needed = {
        "starts": STARTS,
        "best_replicated": REPLICATED,
        "mean_posterior": MEAN_POSTERIOR,
        "smallest_share": SMALLEST_SHARE,
    }
    return tuple(
        Condition(name, float(facts[name]), float(least), bool(facts[name] >= least))
        for name, least in needed.items()
    )
