"""Looking into parsed JSON: a value of the wrong type is counted and left out, it never stops the reading.

Every function takes `reasons`, a count by reason; what is wrong is counted there under the name of the field.
"""

import math
from collections import Counter
from typing import Any

Node = dict[str, Any]
Reasons = Counter[str]
NOTHING: Node = {}


def child(node: Node, name: str, reasons: Reasons) -> Node:
    """The object in a field; an empty one where there is none.

    Examples:
        >>> reasons = Counter()
        >>> child({"code": {"text": "Fever"}}, "code", reasons), child({"code": "Fever"}, "code", reasons)
        ({'text': 'Fever'}, {})
        >>> dict(reasons)
        {'wrong type: code': 1}
    """
    value = node.get(name)
    if value.__class__ is dict:
        return value
    if value is not None:
        _wrong(name, reasons)
    return NOTHING


def children(node: Node, name: str, reasons: Reasons) -> list[Node]:
    """The objects in the list of a field; one object without a list is taken as a list of one.

    Examples:
        >>> children({"coding": [{"code": "1"}, None, 2]}, "coding", Counter())
        [{'code': '1'}]
    """
    value = node.get(name)
    if value is None:
        return []
    if value.__class__ is list:
        for item in value:
            if item.__class__ is not dict:
                break
        else:
            return value
        # Nulls are allowed in lists of FHIR; they only hold the place of an extension.
        if any(item is not None and item.__class__ is not dict for item in value):
            _wrong(name, reasons)
        return [item for item in value if item.__class__ is dict]
    _wrong(name, reasons)
    return [value] if value.__class__ is dict else []


def first(node: Node, name: str, reasons: Reasons) -> Node:
    """The first object in the list of a field; an empty one where there is none."""
    found = children(node, name, reasons)
    return found[0] if found else NOTHING


def text(node: Node, name: str, reasons: Reasons) -> str | None:
    """The text in a field, without blanks at its ends; None where there is none. A number is told as text.

    Examples:
        >>> text({"id": " a "}, "id", Counter()), text({"id": 7}, "id", Counter()), text({}, "id", Counter())
        ('a', '7', None)
    """
    value = node.get(name)
    if value.__class__ is str:
        return value.strip() or None
    if value is None:
        return None
    _wrong(name, reasons)
    return str(value) if value.__class__ in (int, float) else None


def texts(node: Node, name: str, reasons: Reasons) -> list[str]:
    """The texts in the list of a field."""
    value = node.get(name)
    if value is None:
        return []
    if value.__class__ is not list:
        _wrong(name, reasons)
        value = [value]
    found = [item for item in value if item.__class__ is str]
    if len(found) < sum(item is not None for item in value):
        _wrong(name, reasons)
    return found


def number(node: Node, name: str, reasons: Reasons) -> float | None:
    """The number in a field; None where there is none. A number that stands there as text is read.

    Examples:
        >>> number({"value": 5}, "value", Counter()), number({"value": "5.5"}, "value", Counter())
        (5.0, 5.5)
        >>> number({"value": "high"}, "value", Counter()) is None
        True
    """
    value = node.get(name)
    if value is None:
        return None
    if value.__class__ not in (int, float):
        _wrong(name, reasons)
        if value.__class__ is not str:
            return None
    try:
        # Python reads 1_000 as a number; people do not.
        found = math.nan if "_" in str(value) else float(value)
    except (ValueError, OverflowError):
        found = math.nan
    if math.isfinite(found):
        return found
    if value.__class__ is not str:
        _wrong(name, reasons)
    return None


def flag(node: Node, name: str, reasons: Reasons) -> str | None:
    """Yes or no in a field, as `true` or `false`; None where there is neither."""
    value = node.get(name)
    if value.__class__ is bool:
        return "true" if value else "false"
    if value is not None:
        _wrong(name, reasons)
    return None


def extension(node: Node, url: str, reasons: Reasons) -> Node:
    """The extension with an address; an empty object where there is none.

    Examples:
        >>> extension({"extension": [{"url": "a", "valueCode": "x"}]}, "a", Counter())["valueCode"]
        'x'
    """
    for item in children(node, "extension", reasons):
        if item.get("url") == url:
            return item
    return NOTHING


def _wrong(name: str, reasons: Reasons) -> None:
    reasons[f"wrong type: {name}"] += 1
