"""Conversion between UCUM units, worked out from what they are made of.

Nothing cancels between what stands above and what stands below a division: `ug/kg/min` is no `/min`, `mg/g`
is no percentage, `mmol/mol` (of glycated haemoglobin, for one) neither. Only volume per volume is a fraction.
So two units are convertible where they have the same kinds above and the same below, to the same powers.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from osler.record.unit_terms import PREFIXES, Term, terms_of

Kinds = frozenset[tuple[str, int]]

# Size and zero in kelvin.
_TEMPERATURES = {
    "K": (Fraction(1), Fraction(0)),
    "Cel": (Fraction(1), Fraction("273.15")),
    "[degF]": (Fraction(5, 9), Fraction("459.67") * Fraction(5, 9)),
}
# Annotations that change what a number means: units of fibrinogen and of D-dimer differ by a factor of two.
_MEANINGFUL = ("{FEU}", "{DDU}", "{1.73_m2}")
_LITRES = Fraction(1000)  # in a cubic metre


@dataclass(frozen=True)
class Conversion:
    """How a number changes with its unit.

    Attributes:
        factor, offset: the number in the target unit is number * factor + offset.
    """

    factor: float
    offset: float

    @property
    def changes(self) -> bool:
        """Whether any number changes."""
        return (self.factor, self.offset) != (1.0, 0.0)


@dataclass(frozen=True)
class Structure:
    """What a unit is made of.

    Attributes:
        above, below: kinds and their powers above and below the division.
        factor, offset: a number in this unit is number * factor + offset in the base units.
    """

    above: Kinds
    below: Kinds
    factor: Fraction
    offset: Fraction

    def same_kind(self, other: "Structure") -> bool:
        """Whether both measure the same."""
        return (self.above, self.below) == (other.above, other.below)


@lru_cache(maxsize=100_000)
def conversion(
    source: str, target: str, *, molar_mass: float | None = None, valence: int = 1
) -> Conversion | None:
    """How to convert a number from one UCUM unit to another.

    `[IU]` counts as `U`: of enzymes they are the same, of hormones and heparin sources write U for short.

    Args:
        source: unit of the number.
        target: unit that is wanted.
        molar_mass: g/mol, needed between mass and amount of substance.
        valence: charges of an ion, needed between equivalents and amount; 0 where there are none.

    Returns:
        None where the units cannot be converted into each other.

    Examples:
        >>> conversion("umol/L", "mg/dL", molar_mass=113.12).factor
        0.011312
        >>> round(conversion("[degF]", "Cel").factor * 98.6 + conversion("[degF]", "Cel").offset, 9)
        37.0
        >>> conversion("ug/kg/min", "/min") is None
        True
    """
    if source == target:
        return Conversion(1.0, 0.0)
    one = structure(source, molar_mass=molar_mass, valence=valence)
    other = structure(target, molar_mass=molar_mass, valence=valence)
    if one is None or other is None or not one.same_kind(other):
        return None
    return Conversion(float(one.factor / other.factor), float((one.offset - other.offset) / other.factor))


@lru_cache(maxsize=100_000)
def structure(unit: str, *, molar_mass: float | None = None, valence: int = 0) -> Structure | None:
    """What a UCUM unit is made of, or None where it is not known.

    Args:
        unit: UCUM.
        molar_mass: g/mol; mass above the division becomes amount of substance.
        valence: charges of an ion; equivalents above the division become amount. 0: they stay equivalents.

    Examples:
        >>> structure("mL/min").same_kind(structure("L/h")), structure("meq/L").same_kind(structure("mmol/L"))
        (True, False)
    """
    terms = terms_of(unit)
    if terms is None:
        return None
    if any(term.entry and term.entry.kind == "temperature" for term in terms):
        return _temperature(terms)
    factor = Fraction(1)
    powers: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for term in terms:
        size, kind, power = _measured(term)
        factor *= size ** (1 if term.exponent > 0 else -1)
        if kind:
            powers[term.exponent < 0][kind] += power
        if term.note in _MEANINGFUL and term.entry:
            powers[0][term.note] += 1
    above, below = powers
    if molar_mass is not None and above["mass"] == 1:
        above = above - Counter(mass=1) + Counter(amount=1)
        factor /= Fraction(str(molar_mass))
    if valence and above["equivalent"] == 1:
        above = above - Counter(equivalent=1) + Counter(amount=1)
        factor /= valence
    if above == below == Counter(volume=1):
        above, below = Counter(fraction=1), Counter()
    elif not (above or below):
        # The number one is a fraction; scores, counts and bare powers of ten are only themselves.
        above = Counter({"fraction" if unit == "1" else unit: 1})
    return Structure(frozenset((+above).items()), frozenset((+below).items()), factor, Fraction(0))


def _measured(term: Term) -> tuple[Fraction, str, int]:
    """Size of a term in the base of its kind, its kind, and the power of that kind."""
    if term.entry is None:
        alone = term.note if term.note in _MEANINGFUL else ""
        return Fraction(10) ** term.power, alone, 1
    power = abs(term.exponent)
    size = (Fraction(term.entry.factor) * Fraction(10) ** PREFIXES.get(term.prefix, 0)) ** power
    if term.entry.kind == "length" and power == 3:
        return size * _LITRES, "volume", 1
    return size, term.entry.kind, power


def _temperature(terms: tuple[Term, ...]) -> Structure | None:
    """A temperature stands alone: a change of temperature has no zero."""
    if len(terms) > 1 or terms[0].exponent != 1 or terms[0].entry is None:
        return None
    factor, offset = _TEMPERATURES[terms[0].entry.unit]
    return Structure(frozenset({("temperature", 1)}), frozenset(), factor, offset)
