"""Settings: frozen, typed, serialisable; an unknown key or a wrong value is an error with its key path."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

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
        try:
            return cls.model_validate(values, strict=None)
        except ValidationError as error:
            raise as_input_error(error, where=where) from error

    def plain(self) -> dict[str, Any]:
        """JSON-ready values, in the order of the class."""
        return self.model_dump(mode="json")


def as_input_error(error: ValidationError, *, where: str) -> InputError:
    """Turn pydantic's report into one `InputError`: a line for each problem, with its key path."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        path = ".".join(str(part) for part in problem["loc"]) or "(the whole block)"
        lines.append(f"{path}: {_reason(problem)}")
    count = len(lines)
    return InputError(
        "settings not understood:\n    " + "\n    ".join(lines),
        where=where,
        count=count,
        remedy="mend the keys named",
    )


def _reason(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown key"
    if problem["type"] == "missing":
        return "required, but not given"
    return str(problem["msg"])
