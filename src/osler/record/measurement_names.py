"""Names of measurements brought down to their words, and the unit that a name itself states.

Sources name one test in many ways: `Glucose [Mass/volume] in Blood`, `Glucose, Whole Blood`, `bedside
glucose`, `glucose_serum`. What says nothing about the quantity goes: specimens of blood, methods, units. The
rest is matched whole, so that `Glucose, Urine`, `Heart Rate Alarm - Low` or `Platelet distribution width` are
not taken for their neighbours.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from osler.record.unit_spelling import spell_ucum
from osler.record.unit_terms import terms_of

_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_SET_ASIDE = re.compile(r"[(<\[].*[)>\]]")  # a whole name in brackets is a laboratory's own helper
_PROPERTY = re.compile(r"\[([^\]]*)\]")
# Properties of LOINC and what stays of them as words; any other text in brackets stays as it is.
_PROPERTIES = {
    "mass/vol(?:ume)?": "",
    "moles/vol(?:ume)?": "",
    "(?:enzymatic|catalytic) activity/vol(?:ume)?": "",
    "units/vol(?:ume)?": "",
    "(?:mass|volume|molar) fraction": "",
    "(?:mass |molar )?ratio": "",
    "mass/mass": "",
    "volume rate/area": "",
    "osmolality": "",
    "time": "",
    "#/vol(?:ume)?": "number",
    "entitic (?:mean )?(?:vol(?:ume)?|mass)": "entitic",
    "partial pressure": "partial pressure",
    "score": "score",
}
_SPECIMEN = re.compile(
    r"\b(?:in|of) (?:serum or plasma|serum, plasma or blood|serum|plasma|platelet poor plasma|"
    r"red blood cells|(?P<side>arterial|venous|mixed venous|central venous|capillary)? ?blood)(?= |$)"
)
_METHOD = re.compile(
    r"\bby (?:automated|manual|calculation|calculated|direct|estimated|coagulation|high sensitivity|"
    r"test strip|glucometer|impedance|noninvasive|hplc|creatinine|westergren|invasive|electrophoresis|"
    r"tape measure|detection|oximetry|immuno|lactate to).*$"
)
_BRACKETED = re.compile(r"\(\s*(?:in\s+)?([^()]*?)\s*\)")
_LAST_UNITS = {
    "celsius": "Cel",
    "fahrenheit": "[degF]",
    "kg": "kg",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pounds": "[lb_av]",
    "cm": "cm",
    "inch": "[in_i]",
    "inches": "[in_i]",
    "mmhg": "mm[Hg]",
}
_TEMPERATURE = re.compile(r"(temp(?:erature)?)[ _]+([cf])$")
_WITHOUT_MEANING = re.compile(
    r"\b(?:non invasive|noninvasive|invasive|manual|automated|auto|bedside|poc|finger ?stick|soft|serum|"
    r"plasma(?! ha?emoglobin)|whole|blood|bld|levels?|measured|measure \d+|range \d+ \d+|labs?|vitals?|test|"
    r"x 1000)\b"
)
_SIDES = re.compile(r"\b(?:arterial|venous|capillary)\b")


@dataclass(frozen=True)
class Name:
    """What a name says.

    Attributes:
        phrases: the words to match, the fuller one first; without the side of the circulation last.
        unit: the unit that the name states (UCUM), or None.
        per: `mass` or `moles` where the name states that property, else empty.
    """

    phrases: tuple[str, ...]
    unit: str | None
    per: str


@lru_cache(maxsize=100_000)
def read_name(description: str) -> Name:
    """The words of a name, the unit and the property that it states.

    Args:
        description: a name as a source or a vocabulary writes it.

    Examples:
        >>> read_name("Glucose [Moles/volume] in Serum or Plasma")
        Name(phrases=('glucose',), unit=None, per='moles')
        >>> read_name("Weight (Lbs)").unit, read_name("Temperature Fahrenheit").unit
        ('[lb_av]', '[degF]')
        >>> read_name("Oxygen saturation in Arterial blood").phrases
        ('oxygen saturation arterial', 'oxygen saturation')
    """
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", description)).lower().replace("_", " ").strip()
    text = re.sub(r"\s+", " ", text)
    if _SET_ASIDE.fullmatch(text):
        return Name((), None, "")
    per = ""
    for found in _PROPERTY.findall(text):
        per = next((name for name in ("mass", "moles") if found.startswith(f"{name}/vol")), per)
    text = _PROPERTY.sub(_property, text)
    text = _METHOD.sub("", text).strip()
    text = _SPECIMEN.sub(lambda match: match["side"] or "", text)
    text, unit = _without_unit(text)
    words = re.sub(r"[^a-z0-9]+", " ", text.replace("%", " percent ").replace("#", " number "))
    words = _tidy(_WITHOUT_MEANING.sub(" ", _tidy(words)))
    return Name(tuple(dict.fromkeys((words, _tidy(_SIDES.sub(" ", words))))), unit, per)


def _property(match: re.Match[str]) -> str:
    for pattern, words in _PROPERTIES.items():
        if re.fullmatch(pattern, match[1]):
            return f" {words} "
    return f" {match[1]} "


def _without_unit(text: str) -> tuple[str, str | None]:
    """A name without the unit in it: in round brackets, behind the last word, or as that word."""
    for match in _BRACKETED.finditer(text):
        unit = _stated(match[1])
        if unit:
            return _tidy(text[: match.start()] + text[match.end() :]), unit
    temperature = _TEMPERATURE.search(text)
    if temperature:
        return text[: temperature.end(1)], "Cel" if temperature[2] == "c" else "[degF]"
    *before, last = text.split(" ")
    if before and last in _LAST_UNITS:
        return " ".join(before), _LAST_UNITS[last]
    if before and "/" in last and _stated(last):
        return " ".join(before), _stated(last)
    return text, None


def _stated(text: str) -> str | None:
    """A unit that text states; one letter is a unit of temperature only (`(L)` is left)."""
    unit = spell_ucum(text)
    if unit is None or (len(text) == 1 and text not in "cf%"):
        return None
    known = terms_of(unit)
    return unit if known and not all(term.entry is None and term.note for term in known) else None


def _tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
