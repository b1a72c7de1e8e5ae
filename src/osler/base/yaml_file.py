"""Reading YAML with care: duplicate keys are errors, `${VAR}` is filled from the environment or refused."""

import os
import re
from pathlib import Path
from typing import Any

import yaml

from osler.base.errors import InputError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, but a key that is given twice is an error instead of the last one winning."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    values: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in values:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key '{key}' is given twice", key_node.start_mark
            )
        values[key] = loader.construct_object(value_node, deep=True)
    return values


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping, with `${VAR}` filled in.

    Raises:
        InputError: no such file, not UTF-8, not YAML (with line and column), not a mapping, a key given
            twice, or a variable that is not set (with the key's path).
    """
    if not path.is_file():
        raise InputError("no such file", where=path, remedy="name a YAML file")
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise InputError(f"not UTF-8 at byte {error.start}", where=path, remedy="save it as UTF-8") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not readable"
        raise InputError(f"not valid YAML: {problem}", where=place, remedy="mend that line") from error
    if not isinstance(values, dict):
        raise InputError(
            "the file does not hold keys and values", where=path, remedy="write `key: value` lines"
        )
    filled: dict[str, Any] = _fill(values, path, "")
    return filled


def _fill(value: Any, file: Path, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _fill(inner, file, f"{key}.{name}".lstrip(".")) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, file, f"{key}.{index}") for index, inner in enumerate(value)]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _variable(match.group(1), file, key), value)
    return value


def _variable(name: str, file: Path, key: str) -> str:
    if name not in os.environ:
        raise InputError(
            f"{key}: the environment variable {name} is not set",
            where=file,
            remedy=f"set it: {name}=... osler run ...",
        )
    return os.environ[name]
