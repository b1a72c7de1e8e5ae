"""What a run ran on: versions and the machine, without a name of a person, a host or a folder."""

import platform
from importlib import metadata
from typing import Any

from osler import __version__
from osler.base.parallel import cores

_PACKAGES = (
    "duckdb",
    "lightgbm",
    "meds",
    "numpy",
    "polars",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "tokenizers",
    "torch",
    "transformers",
)


def environment() -> dict[str, Any]:
    """Versions of Osler, Python and the packages that make numbers; operating system, cores, memory."""
    import psutil

    return {
        "format_version": 1,
        "osler": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
