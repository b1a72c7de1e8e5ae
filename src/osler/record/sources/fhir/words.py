"""Quantities, ranges, ratios, ages and plans of taking a drug, said in words."""

from typing import NamedTuple

from osler.record.sources.fhir.codings import concept
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, number, text, texts

_UNITS_OF_TIME = {
    "s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year",
}  # fmt: skip
# What HL7 means by its codes of events in a day.
_WHEN = {
    "MORN": "in the morning", "NOON": "at noon", "AFT": "in the afternoon", "EVE": "in the evening",
    "NIGHT": "at night", "HS": "at bedtime", "WAKE": "on waking", "AC": "before meals", "PC": "after meals",
    "C": "with meals", "ACM": "before breakfast", "ACD": "before lunch", "ACV": "before dinner",
    "PCM": "after breakfast", "PCD": "after lunch", "PCV": "after dinner", "CM": "with breakfast",
    "CD": "with lunch", "CV": "with dinner",
}  # fmt: skip


class Quantity(NamedTuple):
    """A measured amount.

    Attributes:
        value: the number.
        comparator: `<`, `<=`, `>=`, `>` where the number is a limit.
        unit: the code of the unit (UCUM, nearly always), else its words.
        unit_display: the words of the unit.
        words: what stands in the place of the number where that is no number.
    """

    value: float | None
    comparator: str | None
    unit: str | None
    unit_display: str | None
    words: str | None

    def __str__(self) -> str:
        """The amount in words.

        Examples:
            >>> str(Quantity(5.0, "<", "mg/dL", "mg/dL", None))
            '<5 mg/dL'
        """
        if self.value is None:
            return self.words or ""
        number_words = f"{self.comparator or ''}{plain_number(self.value)}"
        return f"{number_words} {self.unit_display or self.unit or ''}".strip()


NO_QUANTITY = Quantity(None, None, None, None, None)


def plain_number(value: float) -> str:
    """A number without a needless point.

    Examples:
        >>> plain_number(5.0), plain_number(0.25)
        ('5', '0.25')
    """
    return repr(float(value)).removesuffix(".0")


def quantity(node: Node, name: str, reasons: Reasons) -> Quantity:
    """The quantity in a field.

    Examples:
        >>> from collections import Counter
        >>> body = {"dose": {"value": 5, "unit": "milligram", "code": "mg"}}
        >>> quantity(body, "dose", Counter()).unit
        'mg'
    """
    inside = child(node, name, reasons)
    if not inside:
        return NO_QUANTITY
    value = number(inside, "value", reasons)
    written = inside.get("value")
    unit = text(inside, "unit", reasons)
    return Quantity(
        value,
        text(inside, "comparator", reasons),
        text(inside, "code", reasons) or unit,
        unit,
        written.strip() or None if value is None and isinstance(written, str) else None,
    )


def range_words(node: Node, reasons: Reasons) -> str | None:
    """A range in words.

    Examples:
        >>> from collections import Counter
        >>> range_words({"low": {"value": 2}, "high": {"value": 5, "unit": "mg"}}, Counter())
        '2 to 5 mg'
        >>> range_words({"low": {"value": 2, "unit": "mg"}}, Counter())
        'at least 2 mg'
    """
    low, high = quantity(node, "low", reasons), quantity(node, "high", reasons)
    if low.value is None:
        return None if high.value is None else f"at most {high}"
    if high.value is None:
        return f"at least {low}"
    alike = low.unit in (None, high.unit)
    return f"{plain_number(low.value) if alike else low} to {high}"


def ratio_words(node: Node, reasons: Reasons) -> str | None:
    """A ratio in words: a titre as it is written, other ratios with a stroke.

    Examples:
        >>> from collections import Counter
        >>> ratio_words({"numerator": {"value": 1}, "denominator": {"value": 128}}, Counter())
        '1:128'
        >>> mass, time = {"value": 5, "unit": "mg"}, {"value": 1, "unit": "h"}
        >>> ratio_words({"numerator": mass, "denominator": time}, Counter())
        '5 mg / 1 h'
    """
    parts = [quantity(node, name, reasons) for name in ("numerator", "denominator")]
    said = [str(part) for part in parts]
    if not all(said):
        return said[0] or None
    return (" / " if any(part.unit for part in parts) else ":").join(said)


def spoken_time(node: Node, stem: str, reasons: Reasons) -> str | None:
    """A time that is told as an age, a range or in words (`onsetAge`, `onsetRange`, `onsetString`).

    Examples:
        >>> from collections import Counter
        >>> spoken_time({"onsetAge": {"value": 52, "code": "a"}}, "onset", Counter())
        '52 years of age'
    """
    if f"{stem}Age" in node:
        age = quantity(node, f"{stem}Age", reasons)
        unit = _UNITS_OF_TIME.get(age.unit or "")
        if age.value is None or unit is None:
            return str(age) or None
        return f"{plain_number(age.value)} {_plural(unit, age.value)} of age"
    if f"{stem}Range" in node:
        return range_words(child(node, f"{stem}Range", reasons), reasons)
    return text(node, f"{stem}String", reasons)


def timing_words(node: Node, reasons: Reasons) -> str | None:
    """How often, in words: as the plan says itself, else from its numbers.

    Examples:
        >>> from collections import Counter
        >>> timing_words({"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}}, Counter())
        '2 times per day'
        >>> timing_words({"repeat": {"period": 6, "periodUnit": "h"}}, Counter())
        'every 6 hours'
        >>> timing_words({"repeat": {"period": 1, "periodUnit": "d", "when": ["HS"]}}, Counter())
        'once per day at bedtime'
    """
    code = concept(node, "code", reasons)
    if code.text or code.display or code.code:
        return code.text or code.display or code.code
    repeat = child(node, "repeat", reasons)
    if not repeat:
        return None
    parts = [_rhythm(repeat, reasons), *(_WHEN.get(code, code) for code in texts(repeat, "when", reasons))]
    days, hours = texts(repeat, "dayOfWeek", reasons), texts(repeat, "timeOfDay", reasons)
    parts.append(f"on {', '.join(days)}" if days else None)
    parts.append(f"at {', '.join(hours)}" if hours else None)
    return " ".join(filter(None, parts)) or None


def _rhythm(repeat: Node, reasons: Reasons) -> str | None:
    every = _length(repeat, "period", reasons)
    if every is None:
        return None
    times = number(repeat, "frequency", reasons) or 1
    most = number(repeat, "frequencyMax", reasons)
    amount, unit = every
    if times == 1 and most is None and amount != "1":
        return f"every {amount} {unit}"
    said = "once" if times == 1 else f"{plain_number(times)} times"
    if most is not None:
        said = f"{plain_number(times)} to {plain_number(most)} times"
    return f"{said} per {unit}" if amount == "1" else f"{said} every {amount} {unit}"


def _length(repeat: Node, name: str, reasons: Reasons) -> tuple[str, str] | None:
    """Number and unit of a length of time, such as 6 and hours."""
    value = number(repeat, name, reasons)
    code = text(repeat, f"{name}Unit", reasons)
    if value is None or code is None:
        return None
    most = number(repeat, f"{name}Max", reasons)
    unit = _plural(_UNITS_OF_TIME.get(code, code), most or value)
    return plain_number(value) if most is None else f"{plain_number(value)} to {plain_number(most)}", unit


def _plural(unit: str, value: float) -> str:
    return unit if value == 1 else f"{unit}s"


def data_absent(node: Node, reasons: Reasons) -> str | None:
    """Why there is no value: the field for that, else the extension that stands in the value's place."""
    if "dataAbsentReason" in node:
        return concept(node, "dataAbsentReason", reasons).short[0]
    for name, inside in node.items():
        # A primitive value without content is written as `_valueString`; a quantity keeps its extension.
        if not name.startswith(("value", "_value")) or inside.__class__ is not dict:
            continue
        for item in children(inside, "extension", reasons):
            if str(item.get("url", "")).endswith("/data-absent-reason"):
                return text(item, "valueCode", reasons)
    return None
