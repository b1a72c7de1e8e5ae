"""Progress on standard error: a bar on a terminal, nothing elsewhere. Standard output stays for results."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Step(Protocol):
    """What `bar` yields: call it with the number of units just done."""

    def __call__(self, done: int, /) -> None: ...


def visible() -> bool:
    """Whether bars are shown: standard error is a terminal and OSLER_PROGRESS is not 0."""
    return sys.stderr.isatty() and os.environ.get("OSLER_PROGRESS", "1") != "0"


@contextmanager
def bar(what: str, *, total: int | None) -> Iterator[Step]:
    """A progress bar over `total` units.

    Examples:
        >>> with bar("reading", total=2) as step:
        ...     step(1)
        ...     step(1)
    """
    if not visible():
        yield lambda done, /: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, /: progress.advance(task, done)


def track(items: Sequence[T], what: str) -> Iterator[T]:
    """Iterate over `items` behind a progress bar."""
    with bar(what, total=len(items)) as step:
        for item in items:
            yield item
            step(1)


def note(message: str) -> None:
    """One line for the person at the terminal, on standard error. Ids and counts only, never record text."""
    print(message, file=sys.stderr, flush=True)
