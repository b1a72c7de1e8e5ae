"""Times as FHIR writes them: ISO 8601 text is kept, with its zone; a partial date becomes a day.

"2011" and "2011-03" are known at the end of that period, so they mean its last day; a birth its first.
"""

import calendar
import re

from osler.record.sources.fhir.json_values import Node, Reasons, child, children, text, texts

Span = tuple[str | None, str | None]
NO_SPAN: Span = (None, None)
_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?")
_DAY = 10  # characters of a date


def moment(node: Node, name: str, reasons: Reasons) -> str | None:
    """The time in a field.

    Text that is no time is kept as it is, and counted: the mapping leaves its row out with a reason.

    Examples:
        >>> from collections import Counter
        >>> [moment({"at": at}, "at", Counter()) for at in ("2011", "2011-02", "2011-02-03T04:05:06Z")]
        ['2011-12-31', '2011-02-28', '2011-02-03T04:05:06Z']
    """
    value = text(node, name, reasons)
    if value is None or (len(value) >= _DAY and value[4] == "-" == value[7]):
        return value
    return _completed(value, name, reasons, last=True)


def first_moment(node: Node, name: str, reasons: Reasons) -> str | None:
    """The time in a field; a partial date means its first day.

    Examples:
        >>> from collections import Counter
        >>> first_moment({"birthDate": "1950-07"}, "birthDate", Counter())
        '1950-07-01'
    """
    value = text(node, name, reasons)
    if value is None or (len(value) >= _DAY and value[4] == "-" == value[7]):
        return value
    return _completed(value, name, reasons, last=False)


def period(node: Node, name: str, reasons: Reasons) -> Span:
    """Start and end of the period in a field."""
    inside = child(node, name, reasons)
    return (moment(inside, "start", reasons), moment(inside, "end", reasons)) if inside else NO_SPAN


def span(node: Node, stem: str, reasons: Reasons) -> Span:
    """Start and end of a time that is told as a moment, a period or a plan (`effectiveDateTime`, ...).

    Args:
        node: the object.
        stem: the name of the field without the type (`effective`, `onset`, `performed`, `occurrence`).
        reasons: counts of what is wrong.

    Examples:
        >>> from collections import Counter
        >>> span({"effectivePeriod": {"start": "2020-01-01", "end": "2020-01-03"}}, "effective", Counter())
        ('2020-01-01', '2020-01-03')
    """
    at = moment(node, f"{stem}DateTime", reasons)
    if at is not None:
        return at, None
    if f"{stem}Period" in node:
        return period(node, f"{stem}Period", reasons)
    if f"{stem}Instant" in node:
        return moment(node, f"{stem}Instant", reasons), None
    if f"{stem}Timing" in node:
        return timing_span(child(node, f"{stem}Timing", reasons), reasons)
    return NO_SPAN


def timing_span(node: Node, reasons: Reasons) -> Span:
    """Start and end of a plan: its bounds, else its first and last event."""
    bounds = period(child(node, "repeat", reasons), "boundsPeriod", reasons)
    if bounds != NO_SPAN:
        return bounds
    events = sorted(texts(node, "event", reasons))
    if not events:
        return NO_SPAN
    ends = {"first": events[0], "last": events[-1]}
    last = moment(ends, "last", reasons) if len(events) > 1 else None
    return moment(ends, "first", reasons), last


def notes(node: Node, reasons: Reasons) -> str | None:
    """The remarks on a resource, a line each."""
    if "note" not in node:
        return None
    found = [text(item, "text", reasons) for item in children(node, "note", reasons)]
    return "\n".join(filter(None, found)) or None


def _completed(value: str, name: str, reasons: Reasons, *, last: bool) -> str:
    parts = _PARTIAL.fullmatch(value)
    if not parts or parts[2] not in (None, *_MONTHS) or parts[1] == "0000":
        reasons[f"not a time: {name}"] += 1
        return value
    year = int(parts[1])
    month = int(parts[2] or (12 if last else 1))
    day = calendar.monthrange(year, month)[1] if last else 1
    return f"{year:04}-{month:02}-{day:02}"


_MONTHS = tuple(f"{month:02}" for month in range(1, 13))
