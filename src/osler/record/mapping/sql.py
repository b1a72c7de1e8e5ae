"""Pieces of SQL: names and literals, and how values of any type become ids, numbers, words and times.

Families of types: text, integer, float, boolean, date, timestamp, zoned (a timestamp with a zone), other.
"""

from collections.abc import Iterable, Sequence

TEXT = "VARCHAR"
END_OF_DAY = "INTERVAL '23 hours 59 minutes'"
_FAMILIES = {
    "text": ("VARCHAR", "ENUM", "UUID"),
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
                "UBIGINT", "UHUGEINT"),
    "float": ("FLOAT", "DOUBLE", "DECIMAL"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "zoned": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ"),
    "timestamp": ("TIMESTAMP", "DATETIME"),
    "null": ('"NULL"', "NULL"),
}  # fmt: skip


def family_of(kind: str) -> str:
    """The family of one of DuckDB's types.

    Examples:
        >>> family_of("DECIMAL(10,2)"), family_of("TIMESTAMP_NS"), family_of("TIMESTAMP WITH TIME ZONE")
        ('float', 'timestamp', 'zoned')
        >>> family_of("STRUCT(a INTEGER)"), family_of("VARCHAR[]")
        ('other', 'other')
    """
    if kind.endswith("]"):
        return "other"
    for family, names in _FAMILIES.items():
        if kind.upper().startswith(names):
            return family
    return "other"


def quoted(name: str) -> str:
    """An identifier.

    Examples:
        >>> quoted("a b")
        '"a b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text.

    Examples:
        >>> literal("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def without_missing(column: str, kind: str, marks: Sequence[str], *, trim: bool) -> str:
    """A column with null for what means missing: empty text, the marks, NaN."""
    family = family_of(kind)
    if family == "text":
        text = f"CAST({column} AS VARCHAR)"
        bare = f"trim({text})"  # blanks only: a set of characters takes DuckDB ten times as long
        if trim and not marks:
            return f"nullif({bare}, '')"
        listed = ", ".join(literal(mark) for mark in ("", *marks))
        return f"CASE WHEN {bare} NOT IN ({listed}) THEN {bare if trim else text} END"
    if family == "float":
        column = f"CASE WHEN NOT isnan(CAST({column} AS DOUBLE)) THEN {column} END"
    if family == "null":
        return "CAST(NULL AS VARCHAR)"
    if not marks:
        return column
    listed = ", ".join(literal(mark) for mark in marks)
    return f"CASE WHEN {as_text(column, family)} NOT IN ({listed}) THEN {column} END"


def as_text(sql: str, family: str) -> str:
    """A value as text; whole numbers without the decimal point that pandas gives columns with gaps."""
    if family == "text":
        return sql
    if family == "float":
        whole = f"CAST(CAST({sql} AS HUGEINT) AS VARCHAR)"
        number = f"CAST({sql} AS DOUBLE)"
        return (
            f"CASE WHEN isfinite({number}) AND {number} = floor({number}) AND abs({number}) < 1e15 "
            f"THEN {whole} ELSE CAST({sql} AS VARCHAR) END"
        )
    return f"CAST({sql} AS VARCHAR)"


def as_id(sql: str, family: str) -> str:
    """A value as an id: `24181354.0` is the number of a file that went through pandas."""
    if family == "text":
        # One CASE inside the other: conditions joined by AND are computed in any order.
        whole = (
            f"CASE WHEN TRY_CAST({sql} AS DOUBLE) IS NULL THEN {sql} ELSE left({sql}, length({sql}) - 2) END"
        )
        return f"CASE WHEN ends_with({sql}, '.0') THEN {whole} ELSE {sql} END"
    return as_text(sql, family)


def as_number(sql: str, family: str, *, decimal: str = ".") -> str:
    """A value as a finite float, else null."""
    if family == "text":
        sql = sql if decimal == "." else f"replace({sql}, {literal(decimal)}, '.')"
        number = f"TRY_CAST({sql} AS DOUBLE)"
    elif family in ("integer", "float", "boolean"):
        number = f"CAST({sql} AS DOUBLE)"
    else:
        return "CAST(NULL AS DOUBLE)"
    # MEDS holds 32 bits; what does not fit them is no number for it.
    return f"CASE WHEN abs({number}) < 3.4e38 THEN {number} END"


def as_time(sql: str, family: str, *, timezone: str, formats: Iterable[str] = (), end_of_day: bool) -> str:
    """A value as a time without zone, else null.

    Args:
        sql: the value, a column.
        family: of its type.
        timezone: zone in which times with a zone are told.
        formats: strftime formats of texts that are not ISO 8601.
        end_of_day: whether a date counts as 23:59 of its day, when all of that day is known.
    """
    shift = f" + {END_OF_DAY}" if end_of_day else ""
    zone = literal(timezone)
    if family == "date":
        return f"CAST({sql} AS TIMESTAMP){shift}"
    if family == "timestamp":
        return f"CAST({sql} AS TIMESTAMP)"
    if family == "zoned":
        return f"timezone({zone}, {sql})"
    return _parsed(sql, zone, list(formats), shift) if family == "text" else "CAST(NULL AS TIMESTAMP)"


def midnight_as_date(time: str, sql: str, family: str) -> str:
    """A time, where 00:00 means a date without time of day.

    Args:
        time: the time in the zone of the dataset.
        sql: what it was read from. A time that is 00:00 with the zone that is written there is that date.
        family: of its type.
    """
    midnight = f"CAST(CAST({time} AS DATE) AS TIMESTAMP)"
    written = ""
    if family == "text":
        # The usual form has no zone, and 19 letters.
        is_midnight = f"length({sql}) <> 19 AND regexp_matches({sql}, '{_MIDNIGHT_WITH_ZONE}')"
        written = f"WHEN {is_midnight} THEN TRY_CAST(left({sql}, 10) AS TIMESTAMP) + {END_OF_DAY} "
    elif family == "zoned":
        there = f"timezone('UTC', {sql})"
        written = f"WHEN {there} = CAST(CAST({there} AS DATE) AS TIMESTAMP) THEN {there} + {END_OF_DAY} "
    return f"CASE {written}WHEN {time} = {midnight} THEN {time} + {END_OF_DAY} ELSE {time} END"


# Left to itself DuckDB passes over words after a time ("8:30 PM", "08:30 EST") and takes years of two digits.
_ZONE = " ?(Z|z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"
_DAY = "^[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
_TIME = f"{_DAY}([T ] *[0-9]{{1,2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]*)?)?({_ZONE[:-1]})?)?$"
_MIDNIGHT_WITH_ZONE = f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}[T ]00:00(:00([.]0*)?)?{_ZONE}"


def _parsed(sql: str, zone: str, formats: list[str], shift: str) -> str:
    naive = f"TRY_CAST({sql} AS TIMESTAMP)"
    zoned = f"regexp_replace(regexp_replace({sql}, ' ?(z|UTC|GMT)$', 'Z'), ' ([+-])', '\\1')"
    iso = (
        f"CASE WHEN length({sql}) = 19 AND {sql}[17] = ':' AND {sql}[5] = '-' THEN {naive} "  # the usual form
        f"WHEN NOT regexp_matches({sql}, '{_TIME}') THEN NULL "
        f"WHEN length({sql}) <= 10 THEN {naive}{shift} "
        f"WHEN regexp_matches({sql}, '{_ZONE}') THEN timezone({zone}, TRY_CAST({zoned} AS TIMESTAMPTZ)) "
        f"ELSE {naive} END"
    )
    others = [f"try_strptime({sql}, {literal(form)}){'' if _has_hour(form) else shift}" for form in formats]
    return f"coalesce({', '.join([*others, iso])})" if others else iso


def finite(time: str) -> str:
    """A time, unless it is the infinity that DuckDB reads from a word."""
    return f"CASE WHEN isfinite({time}) THEN {time} END"


def _has_hour(form: str) -> bool:
    return any(mark in form for mark in ("%H", "%I", "%T", "%X", "%c", "%-H", "%-I"))
