"""Osler: patient records as text, vectors, phenotypes and predictions, on your own machine.

Importing this package is cheap: each public function loads what it needs when it is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osler.record.dataset import open_dataset as open  # noqa: A004

__version__ = "0.1.0"

_PUBLIC = {
    "open": "osler.record.dataset:open_dataset",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'osler' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
