"""The study file: what a study says, each block checked by the settings class of its own room."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from osler.base.errors import InputError
from osler.base.settings import Settings
from osler.base.yaml_file import read_yaml
from osler.phenotyping.settings import RESERVED, CompareSettings, PhenotypeSettings
from osler.prediction.settings import PredictSettings
from osler.record.sources import FORMATS, TABLE, TABLES
from osler.reports.settings import ReportSettings
from osler.represent.settings import RepresentationSettings
from osler.simulate.settings import SimulateSettings
from osler.statements.settings import TextSettings
from osler.task.settings import SplitSettings, TaskSettings


class DatasetFolder(Settings):
    """A MEDS dataset that is there already: `{path: FOLDER}`."""

    path: str


class DatasetSource(Settings):
    """A source to ingest first: `{format: omop, source: FOLDER}`, `{format: table, source: ..., spec: ...}`.

    Attributes:
        format: one of `osler.record.sources.FORMATS`.
        source: its file or folder, or the URL of a database.
        spec: a spec of one's own; `table` and `tables` need one.
        timezone: zone in which times with a zone are told; default: the spec's. Not for `table`.
        limit: only so many subjects. Not for `table`.
        vocabulary: files or folders that describe codes. Not for `table`.
        memory: memory that ingest may use, for instance `1GB`. Not for `table`.
    """

    format: str
    source: str
    spec: str | None = None
    timezone: str | None = None
    limit: int | None = Field(default=None, ge=1)
    vocabulary: tuple[str, ...] = ()
    memory: str | None = None

    @model_validator(mode="after")
    def _fits(self) -> "DatasetSource":
        if self.format not in FORMATS:
            raise ValueError(f"format: there is no '{self.format}' (allowed: {', '.join(FORMATS)})")
        if self.spec is None and self.format in (TABLE, TABLES):
            raise ValueError(f"the format '{self.format}' needs `spec`")
        if self.format == TABLE and (self.timezone or self.limit or self.vocabulary or self.memory):
            raise ValueError("the format 'table' takes no `timezone`, `limit`, `vocabulary` or `memory`")
        return self


class DatasetSimulation(Settings):
    """A simulated dataset: `{simulate: {...}}`."""

    simulate: SimulateSettings


def _dataset_kind(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else vars(value)
    for key, kind in (("path", "<folder>"), ("simulate", "<simulation>"), ("format", "<source>")):
        if key in keys:
            return kind
    return None


DatasetSettings = Annotated[
    Annotated[DatasetFolder, Tag("<folder>")]
    | Annotated[DatasetSource, Tag("<source>")]
    | Annotated[DatasetSimulation, Tag("<simulation>")],
    Discriminator(
        _dataset_kind,
        custom_error_type="dataset",
        custom_error_message="give `path`, or `format` and `source`, or `simulate`",
    ),
]


class StudyPhenotypeSettings(PhenotypeSettings):
    """How samples are clustered, and how what the arms found is set side by side.

    Attributes:
        compare: how the partitions of all arms are set beside each other.
    """

    compare: CompareSettings = CompareSettings()

    @property
    def fit(self) -> PhenotypeSettings:
        """How samples are clustered."""
        return PhenotypeSettings.parse(
            {name: value for name, value in self.plain().items() if name != "compare"}, where="phenotype"
        )


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class StudySettings(Settings):
    """One study.

    Attributes:
        osler: version of the study format, 1.
        name: name of the study; also the default folder of results.
        seed: seed of everything random that has no seed of its own.
        dataset: where the record comes from.
        tasks: what is to be predicted, by name.
        splits: how subjects are divided.
        texts: how records become text, by name.
        representations: what models see, by name.
        predict: heads and comparisons; absent: no prediction.
        phenotype: clustering; absent: no phenotypes.
        report: what the report shows.
    """

    osler: Literal[1]
    name: Name
    seed: int = Field(default=0, ge=0)
    dataset: DatasetSettings
    tasks: dict[Name, TaskSettings] = Field(min_length=1)
    splits: SplitSettings = SplitSettings()
    texts: dict[Name, TextSettings] = Field(default_factory=dict)
    representations: dict[Name, RepresentationSettings] = Field(min_length=1)
    predict: PredictSettings | None = None
    phenotype: StudyPhenotypeSettings | None = None
    report: ReportSettings = ReportSettings()

    @model_validator(mode="after")
    def _names_exist(self) -> "StudySettings":
        for name in self.representations:
            if name.lower() in RESERVED:
                raise ValueError(
                    f"representations.{name}: the name is reserved for what is no representation "
                    f"(reserved: {', '.join(RESERVED)}); choose another one"
                )
        for name, representation in self.representations.items():
            text = getattr(representation, "text", None)
            if text is not None:
                _require(f"representations.{name}.text", "text", text, self.texts)
            others = [other for other in self.representations if other != name]
            for part in getattr(representation, "of", ()):
                _require(f"representations.{name}.of", "representation", part, others)
                if getattr(self.representations[part], "kind", None) == "joined":
                    raise ValueError(f"representations.{name}.of: '{part}' is itself joined; name its parts")
        if self.predict is not None and self.predict.compare_to is not None:
            models = [f"{name}+{head}" for name in self.representations for head in self.predict.heads]
            _require("predict.compare_to", "model", self.predict.compare_to, models)
        return self


def _hand_down_seed(values: dict[str, Any]) -> dict[str, Any]:
    """Give the study's seed to each block that is random and has none of its own."""
    if not values.get("seed"):
        return values
    seed = values["seed"]
    filled = {**values, "splits": _seeded(values.get("splits", {}), seed)}
    for name in ("predict", "phenotype"):
        if name in values:
            filled[name] = _seeded(values[name], seed)
    dataset = values.get("dataset")
    if isinstance(dataset, dict) and "simulate" in dataset:
        filled["dataset"] = {**dataset, "simulate": _seeded(dataset["simulate"], seed)}
    return filled


def _seeded(block: Any, seed: Any) -> Any:
    return {"seed": seed, **block} if isinstance(block, dict) else block


def _require(key: str, kind: str, name: str, allowed: Collection[str]) -> None:
    if name not in allowed:
        raise ValueError(f"{key}: there is no {kind} '{name}' (allowed: {', '.join(allowed) or 'none'})")


@dataclass(frozen=True)
class Study:
    """A study file that was read.

    Attributes:
        settings: what it says.
        folder: the folder that its relative paths start from.
    """

    settings: StudySettings
    folder: Path

    def resolve(self, path: str) -> Path:
        """A path of the study: from the folder of the study file, else from the current folder.

        The current folder is where a relative path in an environment variable starts.
        """
        beside = self.folder / path
        here = Path.cwd() / path
        return here if here.exists() and not beside.exists() else beside


def read_study(path: Path) -> Study:
    """Read and check a study file.

    Raises:
        InputError: with the key's path: unknown keys, wrong types, unset `${VAR}`, names that do not exist.
    """
    values = read_yaml(path)
    if values.get("osler") != 1:
        raise InputError(
            f"osler: {values.get('osler', 'not given')}",
            where=path,
            allowed=[1],
            remedy="begin the file with `osler: 1`",
        )
    settings = StudySettings.parse(_hand_down_seed(values), where=str(path))
    return Study(settings=settings, folder=path.resolve().parent)
