"""The step that sets the phenotypes of all representations and of the variables of a task side by side."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.output import content_hash
from osler.phenotyping.settings import COMPARE_FOLDER, VARIABLES
from osler.represent.settings import ENCODED
from osler.study.features import StudyFeatures
from osler.study.schema import Study
from osler.study.steps import Steps

if TYPE_CHECKING:
    from osler.phenotyping.sources import Source
    from osler.represent.engine import EngineSettings
    from osler.task.labels import Labels


def compare_step(
    steps: Steps,
    study: Study,
    task: str,
    labels: "Labels",
    features: StudyFeatures,
    *,
    on_vectors: Sequence[str],
    on_table: bool,
    engine: "EngineSettings | None",
) -> None:
    """Compare what was fitted below `phenotypes/<task>/`.

    Args:
        steps: the run.
        study: its study.
        task: name of the task.
        labels: its samples.
        features: its representations and variables.
        on_vectors: representations that were clustered.
        on_table: whether the variables were clustered.
        engine: where texts in another order are encoded; None: in this process.
    """
    from osler.phenotyping.beside import compare_phenotypes

    settings = study.settings.phenotype
    assert settings is not None
    names = [*on_vectors, *([VARIABLES] if on_table else [])]
    if not names:
        return
    folders = {name: steps.out / "phenotypes" / task / name for name in names}
    depends_on = {
        "labels": labels.hash,
        "fitted": {name: content_hash(folder) for name, folder in folders.items()},
        "features": {name: features.hashes[name] for name in on_vectors},
        "table": features.table_hash,
        "compare": settings.compare.plain(),
        "seed": settings.seed,
    }

    def work(out: Path) -> None:
        cache = steps.out / "cache"
        sources = [
            _source(study, features, name, folder, seed=settings.seed, cache=cache, engine=engine)
            for name, folder in folders.items()
        ]
        compare_phenotypes(labels, sources, out, settings=settings.compare, seed=settings.seed)

    steps.do(f"phenotypes/{task}/{COMPARE_FOLDER}", depends_on, work)


def _source(
    study: Study,
    features: StudyFeatures,
    name: str,
    folder: Path,
    *,
    seed: int,
    cache: Path,
    engine: "EngineSettings | None",
) -> "Source":
    from osler.phenotyping.data import ArmInput
    from osler.phenotyping.sources import Source

    settings = study.settings.phenotype
    assert settings is not None
    table = features.table(settings.table)
    if name == VARIABLES:
        return Source(name, folder, ArmInput(table=table))
    kind = study.settings.representations[name].kind
    reorder = partial(features.reordered, name, seed=seed, cache=cache, engine=engine)
    return Source(
        name,
        folder,
        ArmInput(table=table, features=features[name]),
        traces=features.traces(name),
        embedded=kind in ENCODED,
        reorder=reorder if kind == "document" else None,
    )
