"""Settings: frozen, typed, serialisable; an unknown key or a wrong value is an error with its key path."""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from osler.base.errors import InputError


class Settings(BaseModel):
    """Base of every settings class. Strict about names and about types (no silent `"3"` for `3`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def parse(cls, values: dict[str, Any], *, where: str) -> Self:
        """Build settings from plain values (YAML, JSON, options).

        Args:
            values: names and values.
            where: what to call the place in an error, for instance the file and the key path of the block.

        Raises:
            InputError: names the key path, what is wrong and the allowed values.
        """
        parsed: Self = parse_settings(cls, values, where=where)
        return parsed

    def plain(self) -> dict[str, Any]:
        """JSON-ready values, in the order of the class."""
        return self.model_dump(mode="json")


def one_or_more(value: Any) -> Any:
    """For use in `BeforeValidator`: one value may stand where several may be named.

    Examples:
        >>> one_or_more("age"), one_or_more(["age", "sex"])
        (('age',), ('age', 'sex'))
    """
    if isinstance(value, list | tuple):
        return tuple(value)
    return value if value is None or isinstance(value, dict) else (value,)


def parse_settings(kind: Any, values: Any, *, where: str) -> Any:
    """Build settings of a class, or of a union of classes, from plain values.

    Strict about types, but as JSON is: a list is fine for a tuple, a string in ISO 8601 for a date.

    Args:
        kind: a settings class or an annotated union of them.
        values: names and values.
        where: what to call the place in an error.

    Raises:
        InputError: names the key path, what is wrong and the allowed values.
    """
    try:
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise _as_input_error(error, values, where=where) from error


def _as_input_error(error: ValidationError, values: Any, *, where: str) -> InputError:
    """Turn pydantic's report into one `InputError`: a line for each problem, with its key path.

    Args:
        error: the report.
        values: what was parsed; the key paths are those of its keys.
        where: what to call the place.
    """
    problems = error.errors(include_url=False, include_input=False)
    lines = [": ".join(filter(None, (_key_path(p["loc"], values), _reason(p)))) for p in problems]
    return InputError(
        "settings not understood\n    " + "\n    ".join(lines),
        where=where,
        count=len(lines),
        remedy="mend the keys named",
    )


def _key_path(location: tuple[int | str, ...], values: Any) -> str:
    """The location without the names that pydantic adds for the member of a union that it tried."""
    path: list[str] = []
    for index, part in enumerate(location):
        last = index == len(location) - 1
        inside = isinstance(values, dict) and part in values
        if inside or (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            values = values[part]
        elif not last:
            continue
        elif not isinstance(values, dict):
            break
        path.append(str(part))
    return ".".join(path)


def _reason(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "union_tag_invalid":
        tags = problem["ctx"]
        return (
            f"{tags['discriminator'].strip(chr(39))}: no '{tags['tag']}' (allowed: {tags['expected_tags']})"
        )
    if problem["type"] == "missing":
        return "required, but not given"
    if problem["type"] in ("value_error", "assertion_error"):
        return str(problem["ctx"]["error"])
    return str(problem["msg"])
