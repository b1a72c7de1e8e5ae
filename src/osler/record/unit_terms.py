"""A part of UCUM (Unified Code for Units of Measure) that medicine needs: units taken apart into their terms.

A unit is terms joined by `.` (times) and `/` (divided by the next term): `10*3/uL`, `ug/kg/min`,
`dyn.s/cm5`, `mL/min/{1.73_m2}`. A term is a power of ten, the number one, an annotation in braces, or an atom
of `units.csv` with a prefix, an exponent and an annotation. UCUM is case-sensitive. Prefixes above kilo are
left out: where a source writes `ML` or `MG` it means millilitres and milligrams.
"""

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

# Powers of ten.
PREFIXES = {"k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
_POWER = re.compile(r"10[*^](-?\d{1,2})")
_TERM = re.compile(r"(?P<name>(?:[A-Za-z%]|\[[^\]]*\])+?)(?P<exponent>-?[1-9])?(?P<note>\{[^{}]*\})?")
_NOTE = re.compile(r"\{[^{}]*\}")
_TOKENS = re.compile(r"(?P<operator>[./]?)(?P<term>(?:\{[^{}]*\}|\[[^\]]*\]|[^./{\[])+)")


@dataclass(frozen=True)
class Entry:
    """A row of `units.csv`.

    Attributes:
        unit: the UCUM unit.
        kind: what it measures (mass, volume, pressure ...); empty for a whole unit that only has spellings.
        factor: its size in the base of its kind, as decimal text; empty for temperatures and whole units.
        prefixes: which of `PREFIXES` may stand before it.
        readable: how a clinician reads it.
        spellings: how else sources write it, lower case, without white space.
    """

    unit: str
    kind: str
    factor: str
    prefixes: tuple[str, ...]
    readable: str
    spellings: tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """One term of a unit.

    Attributes:
        entry: the atom; None for a power of ten, the number one and a bare annotation.
        prefix: its prefix, `PREFIXES`, or empty.
        exponent: its exponent, negative where it divides; for a power of ten 1 or -1.
        power: the power of ten, 0 where there is none.
        note: the annotation with its braces, or empty.
        spelling: the term as it stands in the unit, without the operator before it.
    """

    entry: Entry | None
    prefix: str
    exponent: int
    power: int
    note: str
    spelling: str


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """The rows of `units.csv`."""
    text = files("osler.record").joinpath("units.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Entry(
            unit=row["unit"],
            kind=row["kind"],
            factor=row["factor"],
            prefixes=tuple(row["prefixes"].split()),
            readable=row["readable"],
            spellings=tuple(row["spellings"].split()),
        )
        for row in rows
    )


@lru_cache(maxsize=1)
def atoms() -> dict[str, tuple[str, Entry]]:
    """Every prefix and atom together as UCUM spells it, such as `mmol`: its prefix and the atom."""
    found = {}
    for entry in entries():
        if entry.kind:
            for prefix in ("", *entry.prefixes):
                found[prefix + entry.unit] = (prefix, entry)
    return found


@lru_cache(maxsize=100_000)
def terms_of(unit: str) -> tuple[Term, ...] | None:
    """The terms of a unit, or None where it is not in the part of UCUM that is known here.

    Args:
        unit: a UCUM unit.

    Examples:
        >>> [(term.prefix, term.exponent) for term in terms_of("ug/kg/min")]
        [('u', 1), ('k', -1), ('', -1)]
        >>> terms_of("furlong") is None, terms_of("") is None
        (True, True)
    """
    found, place = [], 0
    while place < len(unit):
        match = _TOKENS.match(unit, place)
        # Terms after the first need an operator; a unit may begin with `/` but not with `.`.
        if match is None or (match["operator"] == "." if place == 0 else match["operator"] == ""):
            return None
        term = _term(match["term"], -1 if match["operator"] == "/" else 1)
        if term is None:
            return None
        found.append(term)
        place = match.end()
    return tuple(found) or None


def _term(text: str, sign: int) -> Term | None:
    if text == "1" or _NOTE.fullmatch(text):
        return Term(None, "", sign, 0, "" if text == "1" else text, text)
    power = _POWER.fullmatch(text)
    if power:
        return Term(None, "", sign, int(power[1]), "", text)
    match = _TERM.fullmatch(text)
    known = None if match is None else atoms().get(match["name"])
    if match is None or known is None:
        return None
    prefix, entry = known
    return Term(entry, prefix, sign * int(match["exponent"] or 1), 0, match["note"] or "", text)
