"""What lies at a path: dataset, labels, texts, vectors, predictions, phenotypes, comparison, run, source."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.output import PART_PREFIX, manifest_key
from osler.base.yaml_file import read_yaml
from osler.checks.source import SourceSurvey
from osler.checks.survey import Survey
from osler.record.dataset import Dataset
from osler.record.sources import FORMATS, TABLES
from osler.record.sources.recognise import recognise
from osler.record.sources.specs import require_mapped

DATASET = "dataset"
LABELS = "labels"
TEXTS = "texts"
VECTORS = "vectors"
PREDICTIONS = "predictions"
PHENOTYPES = "phenotypes"
COMPARISON = "comparison of phenotypes"
RUN = "run"
SEALED = "sealed folder"
SOURCE = "source"


@dataclass(frozen=True)
class Place:
    """A folder under examination.

    Attributes:
        path: the folder.
        kind: what it is.
        survey: the dataset that it is or was made from, where known; folders of one dataset share it.
        source: the source that is not yet a dataset.
    """

    path: Path
    kind: str
    survey: Survey | None = field(default=None)
    source: SourceSurvey | None = field(default=None)

    @property
    def dataset(self) -> Dataset | None:
        """The dataset itself, or the one that the folder was made from; None where it is not known."""
        return None if self.survey is None else self.survey.dataset


def kind_of(path: Path) -> str | None:
    """The kind of a folder, by the files that mark it; None when it is none that Osler knows.

    Args:
        path: a folder.
    """
    return next((kind for kind, is_kind in _MARKS if is_kind(path)), None)


def find_places(
    path: Path, *, dataset: Path | None = None, format_name: str | None = None, spec: Path | None = None
) -> list[Place]:
    """The folder itself, and for a run all folders of results in it.

    Args:
        path: the folder to examine.
        dataset: the dataset that it was made from; for a run its own `dataset/` where it has one.
        format_name: the source format that lies there; None: what the folder holds is found out.
        spec: a spec of one's own, for a source.

    Raises:
        InputError: no such folder, or not one that Osler knows.
    """
    if format_name is None and spec is not None:
        format_name = str(read_yaml(spec).get("extends", TABLES))
    if format_name is not None:
        require_mapped(format_name)
        return [Place(path=path, kind=SOURCE, source=SourceSurvey(path, format_name, spec))]
    if not path.is_dir():
        raise InputError(
            "a file, where a folder is needed" if path.exists() else "no such folder",
            where=path,
            remedy="name a folder that Osler wrote, a MEDS dataset, or a source (a file with --format)",
        )
    kind = kind_of(path)
    if kind in (None, DATASET) and not _has_shards(path) and any(path.glob(f"{PART_PREFIX}*")):
        raise InputError(
            "this folder is not finished",
            where=path,
            remedy="run the command that made it again: it goes on where it was broken off",
        )
    if kind is None:
        formats = recognise(path)
        if formats:
            found = SourceSurvey(path, formats[0], spec, tuple(formats[1:]))
            return [Place(path=path, kind=SOURCE, source=found)]
        raise InputError(
            "this folder is nothing that Osler knows",
            where=path,
            allowed=dict.fromkeys([*(kind for kind, _ in _MARKS), *FORMATS]),
            remedy="name a folder that Osler wrote, a MEDS dataset, or a source and its --format",
        )
    if kind == DATASET:
        return [Place(path=path, kind=kind, survey=Survey(path))]
    if kind != RUN:
        return [Place(path=path, kind=kind, survey=None if dataset is None else Survey(dataset))]
    own = path / "dataset"
    source = dataset or (own if own.is_dir() and kind_of(own) == DATASET else _named_dataset(path))
    survey = None if source is None else Survey(source)
    return [Place(path=path, kind=RUN, survey=survey), *_inside(path, survey)]


def _named_dataset(run: Path) -> Path | None:
    """The dataset that a study names by an absolute path; a relative one starts where its file lay."""
    named = (read_json(run / "study.json").get("dataset") or {}).get("path")
    return Path(named) if named and Path(named).is_absolute() and Path(named).is_dir() else None


def _inside(path: Path, survey: Survey | None) -> list[Place]:
    places = []
    for folder in sorted(
        entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    ):
        kind = kind_of(folder)
        if kind is None:
            places += _inside(folder, survey)
            continue
        of_itself = kind == DATASET and (survey is None or survey.path.resolve() != folder.resolve())
        places.append(Place(path=folder, kind=kind, survey=Survey(folder) if of_itself else survey))
    return places


def _has_columns(*names: str) -> Callable[[Path], bool]:
    def check(path: Path) -> bool:
        import pyarrow.parquet as pq

        root = path / "data" if (path / "data").is_dir() else path
        file = next(iter(sorted(root.rglob("*.parquet"))), None) if (path / "data").is_dir() else _first(path)
        if file is None:
            return False
        try:
            return set(names) <= set(pq.read_schema(file).names)
        except Exception:  # whatever is wrong with the file is for the check of files to say
            return False

    return check


def _first(path: Path) -> Path | None:
    """The first Parquet file of a bare folder, whose shards may lie one level down (train/0.parquet)."""
    return next(
        (file for pattern in ("*.parquet", "*/*.parquet") for file in sorted(path.glob(pattern))), None
    )


def _is_predictions(path: Path) -> bool:
    named = [*path.glob("data.parquet"), *path.glob("*/data.parquet")]
    return any((file.parent / "replicates.parquet").is_file() or _holds_predictions(file) for file in named)


def _holds_predictions(file: Path) -> bool:
    import pyarrow.parquet as pq

    try:
        return any(name.startswith("predicted_") for name in pq.read_schema(file).names)
    except Exception:  # whatever is wrong with the file is for the check of files to say
        return False


def _has_shards(path: Path) -> bool:
    """Whether there are shards to examine: sources have a folder `data` too, with other files."""
    return any((path / "data").rglob("*.parquet"))


def _is_sealed(path: Path) -> bool:
    """Whether Osler wrote the manifest: bulk exports of FHIR have a file of that name too."""
    try:
        return manifest_key(path) is not None
    except InputError:  # whatever is wrong with it is for its check to say
        return True


def _file(name: str) -> Callable[[Path], bool]:
    return lambda path: (path / name).is_file()


_MARKS: tuple[tuple[str, Callable[[Path], bool]], ...] = (
    (RUN, _file("study.json")),
    (TEXTS, _file("texts.json")),
    (VECTORS, _file("encoder.json")),
    (LABELS, _file("task.json")),
    (PREDICTIONS, _is_predictions),
    (PHENOTYPES, _file("phenotypes.parquet")),
    (COMPARISON, _file("compare.json")),
    (DATASET, _file("metadata/dataset.json")),
    (DATASET, _has_columns("subject_id", "time", "code")),
    (LABELS, _has_columns("subject_id", "prediction_time")),
    (DATASET, _has_shards),
    (SEALED, _is_sealed),
)
