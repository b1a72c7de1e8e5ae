"""Words that several sections share."""

import re
from collections.abc import Collection, Sequence
from typing import Any

from osler.reports.figures.canvas import SERIES
from osler.reports.runfiles import RunFiles

HEADS = {"lr": "logistic regression", "gbm": "LightGBM"}


def plural(number: int, one: str, many: str | None = None) -> str:
    """A count with its noun.

    Examples:
        >>> plural(1, "model"), plural(1200, "model")
        ('1 model', '1,200 models')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Items in a sentence.

    Examples:
        >>> listed(["a", "b", "c"]), listed(["a"])
        ('a, b and c', 'a')
    """
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def split_words(splits: dict[str, Any]) -> str:
    """How subjects were divided, in words.

    Examples:
        >>> split_words({"scheme": "kfold", "folds": 5, "repeats": 5})
        '5-fold cross-validation, repeated 5 times'
    """
    scheme = splits.get("scheme")
    if scheme == "kfold":
        repeats = int(splits.get("repeats") or 1)
        words = f"{splits.get('folds', 5)}-fold cross-validation"
        return words if repeats == 1 else f"{words}, repeated {repeats} times"
    return {
        "holdout": "one held-out set of subjects",
        "temporal": "training on earlier, testing on later subjects",
        "site": "training on some hospitals, testing on others",
    }.get(str(scheme), "subject-disjoint splits")


def colours(run: RunFiles, names: Sequence[str]) -> dict[str, str]:
    """A colour role for each representation, the same in every figure: in the order of the study."""
    declared = list(run.study.get("representations", {}))
    ordered = [name for name in declared if name in names] + sorted(set(names) - set(declared))
    fixed = declared + [name for name in ordered if name not in declared]
    return {name: SERIES[fixed.index(name) % len(SERIES)] for name in ordered}


def task_title(run: RunFiles, task: str) -> str:
    """Name of a task as a heading."""
    words = task.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def shareable(sentence: str, *, min_cell: int, hidden: Collection[int] = ()) -> str | None:
    """A sentence of a run file, or None when it counts a few patients.

    Args:
        sentence: the sentence.
        min_cell: largest count that is hidden.
        hidden: larger counts that are hidden, because few patients are behind them or because they would
            give a small one away.

    Examples:
        >>> shareable("120 discharges were dropped within 30 days", min_cell=10)
        '120 discharges were dropped within 30 days'
        >>> shareable("7 events among the held-out samples", min_cell=10) is None
        True
        >>> shareable("1,200 discharges were dropped", min_cell=10, hidden={1200}) is None
        True
    """
    said = {int(number.replace(",", "")) for number in re.findall(r"\d+(?:,\d{3})*", sentence)}
    if said & set(hidden):
        return None
    counted = re.findall(r"(?<![\d.,])(\d+) (?!h\b|d\b|days?\b|hours?\b|folds?\b|of \d+ folds)", sentence)
    return None if any(1 <= int(number) <= min_cell for number in counted) else sentence


def shown_path(value: str) -> str:
    """A path without the folders above it, which may name people or places.

    Examples:
        >>> shown_path("/home/someone/data/a.csv"), shown_path("specs/a.yaml")
        ('…/a.csv', 'specs/a.yaml')
    """
    if value.startswith(("/", "~", "\\")) or (len(value) > 2 and value[1] == ":" and value[2] in "\\/"):
        return "…/" + value.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return value
