"""Children of one half of the sepsis cohort are clustered, those of the other half, read from a file of
their own, are assigned."""

from pathlib import Path

import polars as pl
import pytest
from test_assign_variables import PLAIN

from osler.phenotyping.arms import ARMS
from osler.phenotyping.assign import assign_samples
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.frozen_table import FrozenTable
from osler.phenotyping.inputs import make_table
from osler.phenotyping.model import Model, load_model
from osler.phenotyping.replicate import replicate
from osler.record.dataset import Dataset, open_dataset
from osler.record.sources import ingest
from osler.represent.settings import TypedSettings
from osler.represent.typed_read import typed_table
from osler.task.families.outcome import OutcomeSettings
from osler.task.label import make_labels
from osler.task.labels import Labels

pytestmark = pytest.mark.real
Half = tuple[Dataset, Labels]
ARMS_TRIED = ("famd+kmeans", "famd+pam", "gower+pam", "kprototypes", "lca", "umap2+pam")


@pytest.fixture(scope="module")
def halves(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Half]:
    folder = tmp_path_factory.mktemp("halves")
    source = real_data / "pediatric_sepsis_uganda"
    spec = Path(__file__).parents[2] / "examples" / "specs" / "sepsis.yaml"
    lines = (source / "pediatric_sepsis_dev.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    found = []
    for name, rows in (("first", lines[1::2]), ("second", lines[2::2])):
        place = folder / name
        place.mkdir()
        (place / "children.csv").write_text("".join([lines[0], *rows]), encoding="utf-8")
        (place / "data_dictionary.csv").write_bytes((source / "data_dictionary.csv").read_bytes())
        ingest("table", place / "children.csv", spec, place / "d")
        dataset = open_dataset(place / "d")
        settings = OutcomeSettings(use="outcome", column="inhospital_mortality")
        found.append((dataset, make_labels(dataset, place / "l", settings=settings)))
    return found


@pytest.fixture(scope="module")
def model(halves: list[Half], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Model]:
    dataset, labels = halves[0]
    out = tmp_path_factory.mktemp("model") / "p"
    variables = TypedSettings(exclude=("sqi*", "oxygenavail*", "spo2onoxy*"))
    how = PLAIN.model_copy(
        update={"arms": ARMS_TRIED, "k": (3, 3), "splits": 1, "sample_limit": 10_000, "table": variables}
    )
    table, _ = typed_table(dataset, labels.samples, settings=variables)
    fit_phenotypes(labels, None, out, settings=how, table=table)
    return out, load_model(out)


@pytest.mark.parametrize("arm", ARMS_TRIED)
def test_fitted_children_get_their_cluster_back_and_others_are_assigned(
    halves: list[Half], model: tuple[Path, Model], tmp_path: Path, arm: str
) -> None:
    folder, saved = model
    assert isinstance(saved.reader, FrozenTable)
    fitted = pl.read_parquet(folder / "phenotypes.parquet").filter(pl.col("arm") == arm)
    for name, (dataset, labels) in zip(("same", "other"), halves, strict=True):
        table, report = make_table(dataset, labels.samples, saved.reader)
        told = assign_samples(saved, table, labels.samples, tmp_path / name, report=report, arm=arm, k=3)
        assert told["variables absent"] == []
        found = pl.read_parquet(tmp_path / name / "phenotypes.parquet")
        if name == "same":
            agree = (found["cluster"] == fitted["cluster"]).mean()
            assert agree == (1.0 if ARMS[arm].closed_form else saved.partitions[arm, 3].agreement)
        else:
            assert 0.4 < told["drift"]["typicality"]["new"]["value"] < 0.55
            assert told["drift"]["test"]["p"] > 1e-4


def test_cards_of_the_classes_replicate(
    halves: list[Half], model: tuple[Path, Model], tmp_path: Path
) -> None:
    dataset, labels = halves[1]
    folder, saved = model
    assert isinstance(saved.reader, FrozenTable)
    if saved.chosen["lca"] is None:
        pytest.skip("no k was chosen")
    table, _ = make_table(dataset, labels.samples, saved.reader)
    told = replicate(folder, labels, table, table, tmp_path / "q", arm="lca")
    assert min(one["correlation"]["value"] for one in told["clusters"]) > 0.8
    assert min(one["same_sign"] for one in told["clusters"]) > 0.9
