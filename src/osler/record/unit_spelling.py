"""Units as sources write them, read as UCUM: `MG/DL`, `K/cmm`, `mm Hg`, `units/hour`, `beats per minute`.

A spelling is looked up whole, then taken apart at `/`, `.` and `*` and looked up part by part, upper and
lower case alike, with the prefixes in letters (`u`, `mc`, `µ`) and in words (`micro`). A part that nobody
knows leaves the whole unit as it is.
"""

import html
import re
import unicodedata
from functools import lru_cache

from osler.record.unit_terms import atoms, entries, terms_of

_PREFIX_SPELLINGS = {
    "k": ("k", "kilo"),
    "d": ("d", "deci"),
    "c": ("c", "centi"),
    "m": ("m", "milli"),
    "u": ("u", "mc", "micro", "μ"),
    "n": ("n", "nano"),
    "p": ("p", "pico"),
    "f": ("f", "femto"),
}
_NO_UNIT = frozenset(
    (
        *("", "-", "--", "?", ".", "none", "null", "na", "n/a", "nounit", "nounits", "unitless"),
        *("dimensionless", "ratio", "index", "{ratio}", "{index}"),
    )
)
# What is counted goes without saying: `{beats}/min` is `/min`, `cells/uL` is `/uL`.
_COUNTED = frozenset(
    (
        *("b", "beat", "beats", "br", "breath", "breaths", "insp", "resp", "pulse", "pulses"),
        *("rotations", "cell", "cells", "#"),
    )
)
# Powers of ten of words that stand before a volume: `K/uL`, `mil/mcL`, `T/L`.
_NUMBER_WORDS = {
    **dict.fromkeys(("k", "thou", "thous", "thousand", "thousands", "th", "ths", "1000", "x1000"), 3),
    **dict.fromkeys(("m", "mi", "mil", "mill", "million", "millions"), 6),
    **dict.fromkeys(("giga", "gpt"), 9),
    **dict.fromkeys(("t", "tera", "tpt"), 12),
}
_EXPONENTS = frozenset((2, 3, 4, 5, 6, 8, 9, 10, 12))
# Told from millimetres and micrometres by their case alone.
_MOLAR = {"mM": "mmol/L", "uM": "umol/L", "nM": "nmol/L", "pM": "pmol/L"}

_INVISIBLE = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_SUPERSCRIPTS = re.compile("[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_PLAIN_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
_LOOK_ALIKES = str.maketrans({"º": "°", "˚": "°", "×": "x", "⁄": "/", "∕": "/", "⋅": ".", "·": ".", "•": "."})
_PER = re.compile(r"(?:^|\s+)per\s+", re.IGNORECASE)
# `10*3`, `10^3`, `x10E3`, `10e+03`, `x10(3)`, `x103`, `e3`; 103 alone only before a volume.
_POWER = re.compile(r"(?:x?10(?:\*\*?|\^|e\+?|exp|\()0?|x10|x?e)(\d{1,2})\)?")
_BARE_POWER = re.compile(r"10(\d{1,2})")
_NO_SLASH = re.compile(r"(.*\d\)?)(mcl|ul|μl|mm3|mm\^3|cmm|cumm|l)", re.IGNORECASE)
_DIVIDED = re.compile(r"/(?![^{]*\})")
_TIMES = re.compile(r"(?<!\d)[.*](?!\d)(?![^{]*\})")
_NOTE = re.compile(r"([^{]*)(\{[^{}]*\})")
_ASSAY = re.compile(r"(.+?)\(?(feu|ddu)\)?", re.IGNORECASE)
_EXPONENT = re.compile(r"([^\d^-]+)\^?(-?[1-9])")


def spell_ucum(written: str) -> str | None:
    """The UCUM spelling of one unit.

    Args:
        written: as a source writes it.

    Returns:
        None where the source says that there is no unit; what is not known is returned trimmed, as written.

    Examples:
        >>> [spell_ucum(unit) for unit in ("MG/DL", "x10E3/uL", "mm Hg", "beats per minute", "Ratio", "puff")]
        ['mg/dL', '10*3/uL', 'mm[Hg]', '/min', None, 'puff']
    """
    # Compatibility forms would make 10³ a hundred and three.
    raised = _SUPERSCRIPTS.sub(
        lambda match: "^" + match[0].translate(_PLAIN_DIGITS), _INVISIBLE.sub("", html.unescape(written))
    )
    plain = unicodedata.normalize("NFKC", raised.translate(_LOOK_ALIKES))
    text = re.sub(r"\s+", "", _PER.sub("/", plain.strip()).replace("(s)", ""))
    if text.lower() in _NO_UNIT:
        return None
    return _MOLAR.get(text.replace("μ", "u")) or _whole(text) or _by_parts(text) or written.strip()


def _whole(text: str) -> str | None:
    """A unit, or a part of one, that has a row or a spelling of its own."""
    return text if text in atoms() else _spellings().get(text.lower().rstrip("."))


@lru_cache(maxsize=1)
def _spellings() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries():
        for spelling in (*entry.spellings, entry.unit.lower(), entry.unit.lower().strip("[]")):
            found.setdefault(spelling, entry.unit)
    for entry in entries():
        for prefix in entry.prefixes:
            for word in _PREFIX_SPELLINGS[prefix]:
                for spelling in (*entry.spellings, entry.unit.lower(), entry.unit.lower().strip("[]")):
                    found.setdefault(word + spelling, prefix + entry.unit)
    return found


def _by_parts(text: str) -> str | None:
    """A unit whose parts are known each, between `/`, `.` and `*`."""
    no_slash = _NO_SLASH.fullmatch(text)
    if no_slash and _power(no_slash[1], before_volume=True):
        text = f"{no_slash[1]}/{no_slash[2]}"
    above, *below = _DIVIDED.split(_without_brackets(text))
    under = [_part(part) for piece in below for part in _divisors(piece)]
    volume = any(unit.endswith("L") for unit in under)
    pieces = [piece for piece in _TIMES.split(above) if not (below and _is_counted(piece))]
    over = [_power(piece, before_volume=volume) or _part(piece) for piece in pieces]
    if not all(over) or not all(under):
        return None
    unit = re.sub(r"^1(?=/)", "", "".join([".".join(over), *(f"/{one}" for one in under)]))
    return unit if terms_of(unit) else None


def _divisors(text: str) -> list[str]:
    """The parts that brackets divide by together; a product without brackets has two meanings and stays."""
    inside = _without_brackets(text)
    return [text] if inside == text else _TIMES.split(inside)


def _part(text: str) -> str:
    """One term; empty where it is not known."""
    known = _whole(text)
    if known:
        return known
    if text == "1":
        return text
    note = _NOTE.fullmatch(text)
    if note:
        noted = _part(note[1]) if note[1] else ""
        return noted + note[2] if noted or not note[1] else ""
    assay = _ASSAY.fullmatch(text)
    if assay and _whole(assay[1]):
        return f"{_whole(assay[1])}{{{assay[2].upper()}}}"
    raised = _EXPONENT.fullmatch(text)
    name = _whole(raised[1]) if raised else None
    if raised and name in atoms():
        return f"{name}{raised[2]}"
    return _power(text, before_volume=False)


def _power(text: str, *, before_volume: bool) -> str:
    """A power of ten, `10*3`; empty where the text is none."""
    lower = re.sub(r"(?:cells?|\{cells?\}|#)$", "", text.lower())
    if before_volume and lower in _NUMBER_WORDS:
        return f"10*{_NUMBER_WORDS[lower]}"
    match = _POWER.fullmatch(lower) or (_BARE_POWER.fullmatch(lower) if before_volume else None)
    return f"10*{int(match[1])}" if match and int(match[1]) in _EXPONENTS else ""


def _is_counted(text: str) -> bool:
    return text == "" or text.lower().strip("{}") in _COUNTED


def _without_brackets(text: str) -> str:
    return text[1:-1] if text.startswith("(") and text.endswith(")") and text.count("(") == 1 else text
