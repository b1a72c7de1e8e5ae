"""Osler: patient records as text, vectors, phenotypes and predictions, on your own machine.

Importing this package is cheap: each public function loads what it needs when it is called.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osler.phenotyping.fit import fit_phenotypes as phenotype
    from osler.prediction.predict import fit_predictions as predict
    from osler.record.dataset import open_dataset as open
    from osler.reports.report import write_report as report
    from osler.represent.encode import make_vectors as encode
    from osler.statements.write import make_texts as text
    from osler.study.run import run_study as run
    from osler.task.label import make_labels as label

__version__ = "0.1.0"

_PUBLIC = {
    "encode": "osler.represent.encode:make_vectors",
    "label": "osler.task.label:make_labels",
    "open": "osler.record.dataset:open_dataset",
    "phenotype": "osler.phenotyping.fit:fit_phenotypes",
    "predict": "osler.prediction.predict:fit_predictions",
    "report": "osler.reports.report:write_report",
    "run": "osler.study.run:run_study",
    "text": "osler.statements.write:make_texts",
}

__all__ = ["__version__", "encode", "label", "open", "phenotype", "predict", "report", "run", "text"]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'osler' has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return list(__all__)
