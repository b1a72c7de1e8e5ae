"""Units of measurement: one spelling (UCUM), one that people read, and conversion between them.

`units.csv` lists the units, `unit_spelling` reads what sources write, `unit_conversion` converts.
"""

from collections.abc import Callable
from functools import lru_cache

import polars as pl

from osler.record.unit_conversion import Conversion, conversion
from osler.record.unit_spelling import spell_ucum
from osler.record.unit_terms import Term, terms_of

__all__ = ["Conversion", "conversion", "readable", "ucum"]

_PREFIXES = {"u": "µ"}
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def ucum(units: pl.Series) -> pl.Series:
    """Units as sources write them in the one spelling of UCUM, which is case-sensitive.

    Args:
        units: strings [n]; null where there is none.

    Returns:
        Strings [n]; null where there is no unit or the source says so ("None", "ratio"). A unit that is not
        known is only trimmed: nothing is lost.

    Examples:
        >>> ucum(pl.Series(["MG/DL", "K/uL", "mmHg", "units/hour", "puff", None])).to_list()
        ['mg/dL', '10*3/uL', 'mm[Hg]', 'U/h', 'puff', None]
    """
    return _each(units, spell_ucum)


def readable(units: pl.Series) -> pl.Series:
    """UCUM units as a clinician reads them.

    Powers of ten keep their digits in the line, `10^3/µL`: tokenizers that fold compatibility characters
    would read 10³ as 103. `µ` and `m²` keep their meaning when folded. Scores say nothing.

    Args:
        units: strings [n]; null where there is none.

    Returns:
        Strings [n]; null where there is nothing to read. A unit that is not UCUM is left as it is.

    Examples:
        >>> readable(pl.Series(["mm[Hg]", "10*3/uL", "ug/kg/min", "Cel", "{score}", "mmHg"])).to_list()
        ['mmHg', '10^3/µL', 'µg/kg/min', '°C', None, 'mmHg']
    """
    return _each(units, _read)


def _each(units: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """Change each distinct unit once."""
    old = units.drop_nulls().unique(maintain_order=True)
    new = pl.Series([change(unit) for unit in old.to_list()], dtype=pl.String)
    return units.cast(pl.String).replace_strict(old, new, default=None, return_dtype=pl.String)


@lru_cache(maxsize=100_000)
def _read(unit: str) -> str | None:
    terms = terms_of(unit)
    if terms is None:
        return unit
    above = "·".join(filter(None, (_term(term) for term in terms if not _divides(term))))
    below = "".join(f"/{_term(term)}" for term in terms if _divides(term))
    if not below and all(term.entry is None and term.note for term in terms):
        return None
    return above + below or None


def _divides(term: Term) -> bool:
    """Whether a term stands below the division; `cm-5` stands above, as it is written."""
    return term.exponent < 0 and not term.spelling.endswith(f"-{abs(term.exponent)}")


def _term(term: Term) -> str:
    if term.entry is None:
        if term.note:
            return term.note[1:-1].replace("_m2", " m²").replace("_", " ")
        return "" if term.power == 0 else f"10^{term.power}"
    name = _PREFIXES.get(term.prefix, term.prefix) + term.entry.readable
    if _divides(term) and term.entry.kind == "time":
        name = name.removesuffix("s") if len(name) > 1 else name  # mg/day
    exponent = term.exponent if not _divides(term) else -term.exponent
    raised = "" if exponent == 1 else str(exponent).translate(_RAISED)
    assay = f" {term.note[1:-1]}" if term.note in ("{FEU}", "{DDU}") else ""
    return name + raised + assay
