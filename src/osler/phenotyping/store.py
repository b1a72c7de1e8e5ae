"""Fitted transformers as JSON and arrays, without pickle.

Only the classes named here are read back, so a file cannot make anything else.
"""

from importlib import import_module
from typing import Any

import numpy as np

from osler.phenotyping.partition import Array

CLASSES: dict[str, str] = {
    "Steps": "osler.represent.views",
    "Keep": "osler.represent.views",
    "LinearView": "osler.represent.views",
    "CountVocabulary": "osler.represent.vocabulary",
}


def pack(value: Any, arrays: dict[str, Array]) -> Any:
    """A value as JSON; arrays go to `arrays`, and the JSON names them.

    Args:
        value: a transformer of `CLASSES`, an array, or lists, tuples and plain values of these.
        arrays: filled with the arrays.

    Raises:
        TypeError: something in it has no such form.

    Examples:
        >>> arrays = {}
        >>> packed = pack((1, np.array([2.0])), arrays)
        >>> unpack(packed, arrays)
        (1, array([2.]))
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray) and value.dtype != object:
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, np.ndarray):
        return {"texts": [str(text) for text in value]}
    if isinstance(value, float):
        return {"array": pack(np.array(value), arrays)["array"], "float": True}
    if isinstance(value, list):
        return [pack(part, arrays) for part in value]
    if isinstance(value, tuple):
        return {"tuple": [pack(part, arrays) for part in value]}
    name = type(value).__name__
    if CLASSES.get(name) != type(value).__module__:
        raise TypeError(f"{type(value).__module__}.{name} has no saved form")
    return {"class": name, "state": {key: pack(part, arrays) for key, part in vars(value).items()}}


def unpack(packed: Any, arrays: dict[str, Array]) -> Any:
    """The value that `pack` made JSON and arrays of."""
    if isinstance(packed, list):
        return [unpack(part, arrays) for part in packed]
    if not isinstance(packed, dict):
        return packed
    if "array" in packed:
        array = arrays[packed["array"]]
        return float(array) if packed.get("float") else array
    if "texts" in packed:
        return np.array(packed["texts"], dtype=object)
    if "tuple" in packed:
        return tuple(unpack(part, arrays) for part in packed["tuple"])
    kind = getattr(import_module(CLASSES[packed["class"]]), packed["class"])
    made = kind.__new__(kind)
    made.__dict__.update({key: unpack(part, arrays) for key, part in packed["state"].items()})
    return made
