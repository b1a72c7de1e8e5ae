"""Specs of mappings: built-in ones by name, and those that a person writes."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.yaml_file import read_yaml
from osler.record.mapping.spec import MappingSpec
from osler.record.sources import FORMATS, TABLE, TABLES, require_format

BUILT_IN = tuple(name for name in FORMATS if name not in (TABLE, TABLES))


def require_mapped(name: str) -> None:
    """Refuse a format that there is not, and `table`, which is described by columns instead of events.

    Raises:
        InputError: names the formats that there are.
    """
    require_format(name)
    if name == TABLE:
        raise InputError(
            "a table is examined when it is ingested: its summary says what to look at",
            allowed=[*BUILT_IN, TABLES],
            remedy="ingest it, then examine the dataset",
        )


def read_spec(format_name: str, path: Path | None, *, timezone: str | None = None) -> tuple[MappingSpec, str]:
    """The spec of a format: the built-in one, or a person's own, which may extend a built-in one.

    Args:
        format_name: one of `BUILT_IN`, or `tables`.
        path: YAML file with a spec of one's own.
        timezone: zone in which times with a zone are told, instead of the spec's.

    Returns:
        The spec, and what to call it in an error.

    Raises:
        InputError: no spec, not YAML, or settings that are not understood (with their key paths).
    """
    if path is None:
        if format_name not in BUILT_IN:
            raise InputError(
                "any folder of tables needs a spec that says what they mean",
                remedy="name a YAML file with --spec, or one of the built-in formats",
                allowed=BUILT_IN,
            )
        values, where = built_in(format_name), f"spec {format_name}"
    else:
        values, where = read_yaml(path), str(path)
        if "extends" in values or format_name in BUILT_IN:
            values = extended(values, base=str(values.get("extends", format_name)), where=where)
    if timezone is not None:
        values = {**values, "timezone": timezone}
    _check_timezone(str(values.get("timezone", "UTC")), where)
    return MappingSpec.parse(values, where=where), where


def built_in(name: str) -> dict[str, Any]:
    """The values of a built-in spec.

    Raises:
        InputError: there is none of that name.
    """
    if name not in BUILT_IN:
        raise InputError(f"there is no built-in spec '{name}'", allowed=BUILT_IN, remedy="name one of these")
    return read_yaml(Path(str(files("osler.record.sources").joinpath(f"{name.replace('-', '_')}.yaml"))))


def extended(values: dict[str, Any], *, base: str, where: str) -> dict[str, Any]:
    """A spec with what a built-in one says and this one does not.

    Blocks are merged key by key, tables too; lists are replaced as a whole. A table that is null goes out.

    Examples:
        >>> changed = extended({"tables": {"note": None}}, base="omop", where="example")
        >>> "person" in changed["tables"], "note" in changed["tables"]
        (True, False)
    """
    if "tables" in values and not isinstance(values["tables"], dict):
        raise InputError("tables: the key does not hold tables", where=where, remedy="write a block for each")
    merged: dict[str, Any] = _merged(built_in(base), values)
    merged["tables"] = {name: table for name, table in merged["tables"].items() if table is not None}
    merged.pop("extends", None)
    return merged


def _merged(under: Any, over: Any) -> Any:
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    return {
        name: _merged(under[name], over[name]) if name in under and name in over else {**under, **over}[name]
        for name in {**under, **over}
    }


def _check_timezone(name: str, where: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(
            f"timezone: there is no time zone '{name}'",
            where=where,
            remedy="write for instance UTC, Europe/Paris, America/New_York or Etc/GMT+5",
        ) from error
