"""The option "None" of a group of checkboxes, which the other options imply."""

import re
from dataclasses import dataclass

import numpy as np

from osler.represent.typed import TypedTable, Variable

_GROUP = re.compile(r"^(?P<stem>.+)___[^_]+$")
_OPTIONS = (r"\[([^\[\]]*)\]\s*$", r"\(choice\s*=\s*(.*)\)\s*$", r":\s*([^:]*)$", r"(.*)")
_NONE = re.compile(r"none\b", re.IGNORECASE)


@dataclass(frozen=True)
class Folded:
    """A flag that was left out.

    Attributes:
        name: of the flag.
        label: of the flag.
        group: what the names of its group begin with.
        implied: share of the samples in which it is 1 exactly where all others of its group are 0, among
            those for which the whole group is known; NaN where there are none.
    """

    name: str
    label: str
    group: str
    implied: float


def fold_none(table: TypedTable) -> tuple[TypedTable, tuple[Folded, ...]]:
    """Leave out the flags "None" of groups of checkboxes.

    A group are flags whose names differ only in what follows `___` (`symptoms_adm___1`, `symptoms_adm___2`).
    The option is the end of the label, `[None]`, `(choice=None)` or `: None`, or the whole label. Within a
    latent class the flags would have to be independent, and "None" is not: it is 1 where the others are 0.

    Returns:
        The table without them, and what was left out, in the order of the table.

    Examples:
        >>> names = ("sign___1", "sign___2", "sign___3")
        >>> labels = ("Signs?[Rash]", "Signs?[Coma]", "Signs?[None]")
        >>> flags = tuple(Variable(name, label, "flag") for name, label in zip(names, labels))
        >>> table, folded = fold_none(TypedTable(flags, np.array([[1.0, 0, 0], [0, 0, 1]])))
        >>> len(table.variables), [(one.name, one.implied) for one in folded]
        (2, [('sign___3', 1.0)])
    """
    groups: dict[str, list[int]] = {}
    for place, variable in enumerate(table.variables):
        found = _GROUP.match(variable.name)
        if found and variable.kind == "flag":
            groups.setdefault(found["stem"], []).append(place)
    folded: dict[int, Folded] = {}
    for stem, places in groups.items():
        nones = [place for place in places if _says_none(table.variables[place])]
        others = [place for place in places if place not in nones]
        if others:
            for place in nones:
                variable = table.variables[place]
                implied = _implied(table.values[:, place], table.values[:, others])
                folded[place] = Folded(variable.name, variable.label, stem, implied)
    keep = ~np.isin(np.arange(len(table.variables)), list(folded))
    return table.keep(keep), tuple(folded[place] for place in sorted(folded))


def _says_none(variable: Variable) -> bool:
    found = next(filter(None, (re.search(option, variable.label) for option in _OPTIONS)))
    return _NONE.match(found[1].strip()) is not None


def _implied(none: np.ndarray, others: np.ndarray) -> float:
    known = ~np.isnan(none) & ~np.isnan(others).any(axis=1)
    if not known.any():
        return float("nan")
    return float(((none[known] == 1) == (others[known] == 0).all(axis=1)).mean())
