"""Independent pieces of work in processes of their own, one per core, where that saves time."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import parent_process
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Processes take some seconds to start and to import: less work than this is done here.
_PAYS = 8.0


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_pieces(
    work: Callable[[Item], Result], items: Sequence[Item], *, pays: float = _PAYS
) -> Iterator[Result]:
    """Results of `work` on each item, in the order of the items.

    The first is done here; where the others would take long, they are shared out over processes. What comes
    out does not depend on it, as long as `work` is a function of its item and computes on one thread.

    Args:
        work: the work on one item; it may hold arrays, which every process is given.
        items: the pieces.
        pays: seconds of work from which processes are started.

    Examples:
        >>> list(map_pieces(lambda n: n * n, [1, 2, 3]))
        [1, 4, 9]
    """
    if not items:
        return
    start = time.perf_counter()
    first = work(items[0])
    took = time.perf_counter() - start
    yield first
    rest = items[1:]
    workers = min(cores(), len(rest))
    # A process that is one of several has its core already.
    if workers < 2 or took * len(rest) < pays or parent_process() is not None:
        yield from map(work, rest)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=workers, return_as="generator")(delayed(work)(item) for item in rest)
