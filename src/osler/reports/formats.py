"""How numbers are written: en dashes for intervals, a true minus sign, thin words for tiny p-values."""

import math
from collections.abc import Iterable

MISSING = "–"
_MINUS = "−"


def count(value: float | None) -> str:
    """A number of things, with thousands separated.

    Examples:
        >>> count(1879), count(None)
        ('1,879', '–')
    """
    return MISSING if _absent(value) else f"{round(value):,}".replace("-", _MINUS)  # type: ignore[arg-type]


def number(value: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """A number with a fixed count of decimals.

    Examples:
        >>> number(0.8349), number(-0.02), number(0.02, signed=True), number(-0.001)
        ('0.83', '−0.02', '+0.02', '0.00')
    """
    if _absent(value):
        return MISSING
    assert value is not None
    if math.isinf(value):
        return "∞" if value > 0 else f"{_MINUS}∞"
    if round(value, digits) == 0:
        value = 0.0
    sign = "+" if signed and value > 0 else ""
    return sign + f"{value:,.{digits}f}".replace("-", _MINUS)


def interval(low: float | None, high: float | None, digits: int = 2, *, signed: bool = False) -> str:
    """The two ends of an interval; `to` in place of the dash when a sign could be misread.

    Examples:
        >>> interval(0.79, 0.87), interval(-0.05, 0.01, signed=True)
        ('0.79–0.87', '−0.05 to +0.01')
    """
    if _absent(low) or _absent(high):
        return MISSING
    assert low is not None
    assert high is not None
    joint = " to " if signed or low < 0 or high < 0 else "–"
    return number(low, digits, signed=signed) + joint + number(high, digits, signed=signed)


def with_interval(
    value: float | None, low: float | None, high: float | None, digits: int = 2, *, signed: bool = False
) -> str:
    """A value and its interval.

    Examples:
        >>> with_interval(0.83, 0.79, 0.87), with_interval(0.83, None, None)
        ('0.83 (0.79–0.87)', '0.83')
    """
    shown = number(value, digits, signed=signed)
    if _absent(value) or _absent(low) or _absent(high):
        return shown
    return f"{shown} ({interval(low, high, digits, signed=signed)})"


def percent(share: float | None, digits: int = 1) -> str:
    """A share as percent.

    Examples:
        >>> percent(0.057)
        '5.7 %'
    """
    return MISSING if _absent(share) else f"{number(100 * share, digits)} %"  # type: ignore[operator]


def percent_interval(value: float | None, low: float | None, high: float | None, digits: int = 1) -> str:
    """A share as percent with its interval.

    Examples:
        >>> percent_interval(0.057, 0.047, 0.069)
        '5.7 % (4.7–6.9)'
    """
    if _absent(value) or _absent(low) or _absent(high):
        return percent(value, digits)
    return f"{percent(value, digits)} ({interval(100 * low, 100 * high, digits)})"  # type: ignore[operator]


def p_value(value: float | None) -> str:
    """A p-value, never rounded to zero.

    Examples:
        >>> p_value(0.0312), p_value(0.00004), p_value(0.2)
        ('p = 0.031', 'p < 0.001', 'p = 0.20')
    """
    if _absent(value):
        return MISSING
    assert value is not None
    if value < 0.001:
        return "p < 0.001"
    return f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def plain(value: float | None) -> str:
    """A number of unknown size in about three significant digits.

    Examples:
        >>> plain(12.345), plain(0.012345), plain(1234.5), plain(3.0)
        ('12.3', '0.0123', '1,234', '3')
    """
    if _absent(value):
        return MISSING
    assert value is not None
    if value == int(value) and abs(value) < 1e15:
        return count(value)
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace("-", _MINUS)
    return f"{value:.3g}".replace("-", _MINUS)


def decimals(values: Iterable[float | None]) -> int:
    """How many decimals values of one kind deserve: about three digits of the largest.

    Examples:
        >>> decimals([1.63, 0.9]), decimals([150.5]), decimals([3.0, 12.0]), decimals([0.0123])
        (2, 0, 0, 4)
    """
    known = [abs(value) for value in values if not _absent(value) and value is not None]
    top = max(known, default=0.0)
    if not top or all(value == int(value) for value in known):
        return 0
    return max(0, min(6, 2 - math.floor(math.log10(top))))


def seconds(value: float | None) -> str:
    """A duration.

    Examples:
        >>> seconds(0.042), seconds(7.25), seconds(135)
        ('0.04 s', '7.2 s', '2 min 15 s')
    """
    if _absent(value):
        return MISSING
    assert value is not None
    if value < 60:
        return f"{value:.2f} s" if value < 1 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def size(value: float | None) -> str:
    """A number of bytes.

    Examples:
        >>> size(900), size(1_500_000)
        ('900 B', '1.5 MB')
    """
    if _absent(value):
        return MISSING
    assert value is not None
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable")


def _absent(value: float | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
