"""Reading a data dictionary: what it says of each variable, labels split into text, option and unit."""

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record.sources.table_read import collect_strings
from osler.record.sources.table_settings import DictionarySettings, FromColumn

# A unit is known by its parts, so that "(measure 1)" or "(optional)" stay in the label.
_PART = (
    r"(?:k|m|c|d|u|µ|μ|n|p)?(?:g|l|mol|eq|u|iu|m|s|pa)|kcal|cal|mmhg|cmh2o|bpm|brpm|beats?|breaths?|cells?|"
    r"%|percent|sec(?:ond)?s?|min(?:ute)?s?|h|hrs?|hours?|days?|d|weeks?|wks?|months?|mos?|years?|yrs?|"
    r"celsius|fahrenheit|°\s?[cf]|[cf]|kg|m2|m\^2|m²|mm3|mm\^3|mm³|10\^\d+|x10\^\d+|10[³⁹]|min|"
    r"inch(?:es)?|feet|ft|lbs?|pounds?|ounces?|oz|points?|score"
)
_UNIT = re.compile(
    rf"\(\s*(?:in\s+)?(?P<unit>(?:{_PART})(?:\s*(?:/|per|\*|\s)\s*(?:{_PART}))*)\s*\)", re.IGNORECASE
)
_IN_UNIT = re.compile(r"\(\s*in\s+(?P<unit>[^\s()]{1,15})\s*\)", re.IGNORECASE)
_OPTION = re.compile(r"^(?P<question>.*?)\s*\[(?P<option>[^\[\]]+)\]\s*$", re.DOTALL)

_KINDS = {
    "numeric": "continuous numeric number integer int float decimal real double discrete count quantitative",
    "ordinal": "ordinal ordered likert",
    "flag": "checkbox flag",
    "categorical": (
        "categorical category nominal factor string text radio dropdown select char character varchar yesno "
        "binary boolean bool logical truefalse"
    ),
}
_KIND_OF_WORD = {word: kind for kind, words in _KINDS.items() for word in words.split()}


@dataclass(frozen=True)
class Fact:
    """What the dictionary says of one variable; None where it says nothing.

    Attributes:
        label: as written, after `remove`.
        section: the group.
        kind: numeric, ordinal, categorical, flag.
        levels: pairs of code and label, in order; equal where the dictionary gives labels only.
        timing: when it is collected, in the dictionary's words.
    """

    label: str | None = None
    section: str | None = None
    kind: str | None = None
    levels: tuple[tuple[str, str], ...] = ()
    timing: str | None = None


def read_dictionary(path: Path, settings: DictionarySettings) -> dict[str, Fact]:
    """Read a data dictionary.

    Args:
        path: its file.
        settings: which of its columns say what.

    Returns:
        Variable -> what is said of it, in the order of the dictionary.

    Raises:
        InputError: a column is not there, a pattern is no regular expression or finds nothing, or a variable
            is there twice.
    """
    frame = collect_strings(path)
    if not frame.height:
        raise InputError("the dictionary has no rows", where=path, remedy="name another file")
    _require_columns(frame, path, settings)
    frame = frame.filter(pl.col(settings.variable).is_not_null())
    names = frame[settings.variable]
    twice = names.filter(names.is_duplicated()).unique().sort()
    if twice.len():
        raise InputError(
            f"variable '{twice[0]}' is described twice",
            where=f"{path}, column {settings.variable}",
            count=twice.len(),
            remedy="keep one row per variable",
        )
    remove = [_compile(pattern, path) for pattern in settings.remove]
    labels = [_without(label, remove) for label in frame[settings.label]]
    empty = [None] * frame.height
    sections = _extract(frame, settings.group, path) if settings.group else empty
    types = _extract(frame, settings.type, path) if settings.type else empty
    levels = list(frame[settings.levels]) if settings.levels else empty
    timings = list(frame[settings.timing]) if settings.timing else empty
    rows = zip(names, labels, sections, types, levels, timings, strict=True)
    return {
        name: Fact(
            label=label, section=section, kind=kind_of(words), levels=split_levels(values), timing=timing
        )
        for name, label, section, words, values, timing in rows
    }


def kind_of(words: str | None) -> str | None:
    """The kind that a dictionary's type means, by its first known word.

    Examples:
        >>> kind_of("Continuous (Clinical)"), kind_of("Categorical(Social)"), kind_of("???")
        ('numeric', 'categorical', None)
    """
    for word in re.findall(r"[a-z]+", (words or "").lower()):
        if word in _KIND_OF_WORD:
            return _KIND_OF_WORD[word]
    return None


def split_levels(values: str | None) -> tuple[tuple[str, str], ...]:
    """Allowed values as pairs of code and label.

    Examples:
        >>> split_levels("1, Yes | 2, No")
        (('1', 'Yes'), ('2', 'No'))
        >>> split_levels("low|high")
        (('low', 'low'), ('high', 'high'))
    """
    parts = [part.strip() for part in (values or "").split("|") if part.strip()]
    if len(parts) < 2:
        return ()
    pairs = [re.match(r"^([^,=\s]+)\s*[,=]\s*(.+)$", part) for part in parts]
    if all(pairs):
        return tuple((pair[1], pair[2]) for pair in pairs if pair)
    return tuple((part, part) for part in parts)


def split_unit(label: str) -> tuple[str, str | None]:
    """A label without its unit, and the unit.

    Examples:
        >>> split_unit("Weight (in kg)"), split_unit("Late lactate level (mmol/L)")
        (('Weight', 'kg'), ('Late lactate level', 'mmol/L'))
        >>> split_unit("Oxygen saturation (measure 1)")
        ('Oxygen saturation (measure 1)', None)
    """
    found = _UNIT.search(label) or _IN_UNIT.search(label)
    if found is None or not label[: found.start()].strip():
        return label, None
    return tidy(label[: found.start()] + " " + label[found.end() :]), found["unit"]


def split_option(label: str) -> tuple[str, str] | None:
    """Question and option of a label such as `Symptoms? [Rash]`, or None.

    Examples:
        >>> split_option("Symptoms?[Rash]")
        ('Symptoms?', 'Rash')
    """
    found = _OPTION.match(label)
    return (tidy(found["question"]), tidy(found["option"])) if found and found["question"].strip() else None


def tidy(text: str) -> str:
    """Text with single blanks and none before a stop."""
    return re.sub(r"\s+([.,;:?!])", r"\1", re.sub(r"\s+", " ", text)).strip()


def _without(label: str | None, remove: list[re.Pattern[str]]) -> str | None:
    for pattern in remove:
        label = pattern.sub(" ", label) if label else label
    return tidy(label) if label else None


def _extract(frame: pl.DataFrame, source: str | FromColumn, path: Path) -> list[str | None]:
    if isinstance(source, str):
        return list(frame[source])
    if source.pattern is None:
        return list(frame[source.column])
    pattern = _compile(source.pattern, path)
    if not pattern.groups:
        raise InputError(
            f"the pattern '{source.pattern}' has no group",
            where=f"{path}, column {source.column}",
            remedy="put the part to take in round brackets",
        )
    found = [pattern.search(value) if value else None for value in frame[source.column]]
    if not any(found):
        raise InputError(
            f"the pattern '{source.pattern}' finds nothing",
            where=f"{path}, column {source.column}",
            count=frame.height,
            remedy="mend the pattern in the spec",
        )
    return [tidy(match[1]) if match and match[1] else None for match in found]


def _compile(pattern: str, path: Path) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"'{pattern}' is no regular expression: {error}", where=path, remedy="mend it in the spec"
        ) from error


def _require_columns(frame: pl.DataFrame, path: Path, settings: DictionarySettings) -> None:
    named = [
        settings.variable,
        settings.label,
        settings.group,
        settings.type,
        settings.levels,
        settings.timing,
    ]
    for entry in named:
        name = entry.column if isinstance(entry, FromColumn) else entry
        if name is not None and name not in frame.columns:
            raise InputError(
                f"the dictionary has no column '{name}'",
                where=path,
                allowed=frame.columns,
                remedy="mend `dictionary` in the spec",
            )
