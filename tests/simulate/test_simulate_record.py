"""What is written: valid MEDS, in time order, complete, and without a trace of the future."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from osler.record.dataset import Dataset, open_dataset
from osler.record.schema import SECTIONS
from osler.simulate.block import make_block
from osler.simulate.care import draw_care
from osler.simulate.latent import draw_latent
from osler.simulate.measure import lab_rounds, vital_rounds
from osler.simulate.measurements import MEASUREMENTS
from osler.simulate.mechanism import hospitals_of
from osler.simulate.people import DIED, LANDMARK, NEITHER, READMITTED
from osler.simulate.settings import CAUSES, SimulateSettings
from osler.simulate.simulate import simulate, truth_folder
from osler.simulate.summaries import summaries
from osler.simulate.vocabulary import NOTE, vocabulary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "dataset"
    simulate(out, settings=SimulateSettings(subjects=900, block=400, seed=4))
    return out


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return open_dataset(folder)


@pytest.fixture(scope="module")
def events(dataset: Dataset) -> pl.DataFrame:
    return pl.concat([dataset.read(shard) for shard in dataset.shards])


@pytest.fixture(scope="module")
def outcomes(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(truth_folder(folder) / "outcomes.parquet")


def test_meds_validates_every_file(dataset: Dataset) -> None:
    import pyarrow.parquet as pq
    from meds import CodeMetadataSchema, DataSchema, DatasetMetadataSchema, SubjectSplitSchema

    for shard in dataset.shards:
        DataSchema.validate(pq.read_table(shard.path))
    metadata = dataset.path / "metadata"
    CodeMetadataSchema.validate(pq.read_table(metadata / "codes.parquet"))
    SubjectSplitSchema.validate(pq.read_table(metadata / "subject_splits.parquet"))
    DatasetMetadataSchema.validate(
        {name: value for name, value in dataset.metadata.items() if name != "osler"}
    )


def test_shards_hold_whole_subjects_in_canonical_order(dataset: Dataset, events: pl.DataFrame) -> None:
    seen: set[int] = set()
    for shard in dataset.shards:
        stored = pl.read_parquet(shard.path)
        assert stored["subject_id"].is_sorted()
        assert not seen & set(stored["subject_id"].unique())
        seen |= set(stored["subject_id"].unique())
    assert len(seen) == 900
    assert events["row"].is_sorted()  # what is stored is in canonical order already
    splits = dataset.splits
    assert splits is not None
    assert set(splits["subject_id"]) == seen
    assert 0.6 < (splits["split"] == "train").mean() < 0.8


def test_code_book_describes_every_code(dataset: Dataset, events: pl.DataFrame) -> None:
    book = dataset.codes
    assert set(events["code"].unique()) == set(book["code"])
    assert book["description"].null_count() == 0
    assert set(book["section"]) <= set(SECTIONS)
    conditions = book.filter(
        pl.col("section") == "conditions", pl.col("code").str.contains(".", literal=True)
    )
    parents = conditions.select(pl.col("parent_codes").list.first(), pl.col("code"))
    assert all(code.startswith(parent + ".") for parent, code in parents.iter_rows())
    numeric = set(events.filter(pl.col("numeric_value").is_not_null())["code"])
    assert numeric == set(book.filter(pl.col("kind") == "numeric")["code"])
    units = events.filter(pl.col("numeric_value").is_not_null()).select("code", "unit").unique()
    assert units.join(book.select("code", "unit"), on=["code", "unit"]).height == units.height
    limits = book.filter(pl.col("section").is_in(["labs", "vitals"]))
    assert (limits["low"].is_not_null() & limits["high"].is_not_null()).all()
    assert (limits["low"] < limits["high"]).all()


def test_truth_is_beside_and_not_inside(dataset: Dataset, folder: Path) -> None:
    beside = truth_folder(folder)
    assert beside == folder.parent.resolve() / "truth" / "dataset"
    assert {path.name for path in folder.iterdir()} == {"data", "metadata", "manifest.json"}
    secret = {"phenotype", "severity", "frailty", "instability", "death_logit", "readmission_logit"}
    assert not secret & {name for shard in dataset.shards for name in shard.columns}
    patients = pl.read_parquet(beside / "patients.parquet")
    assert patients["phenotype"].n_unique() >= 6
    assert patients["subject_id"].n_unique() == 900


def test_outcomes_agree_with_the_events(events: pl.DataFrame, outcomes: pl.DataFrame) -> None:
    """Recompute both outcomes of each stay from the events, one subject after the other."""
    truth = {row["visit_id"]: row for row in outcomes.iter_rows(named=True)}
    stays = 0
    for _, record in events.group_by("subject_id", maintain_order=True):
        admitted: list[tuple[object, int]] = []
        left: dict[int, tuple[object, str]] = {}
        death = None
        for time, code, visit in record.select("time", "code", "visit_id").iter_rows():
            if code.startswith("HOSPITAL_ADMISSION//"):
                admitted.append((time, visit))
            elif code.startswith("HOSPITAL_DISCHARGE//"):
                left[visit] = (time, code)
            elif code == "MEDS_DEATH":
                death = time
        for number, (time, visit) in enumerate(admitted):
            stays += 1
            end, code = left[visit]
            assert (truth[visit]["admission_time"], truth[visit]["end_time"]) == (time, end)
            died = code == "HOSPITAL_DISCHARGE//DIED"
            assert truth[visit]["death"] is died
            assert died is (death is not None and death <= end)
            following = admitted[number + 1][0] if number + 1 < len(admitted) else None
            back = following is not None and following - end <= timedelta(days=30)
            assert truth[visit]["readmission"] is (None if died else back)
            day_end = end.replace(hour=23, minute=59, second=0)
            assert truth[visit]["readmission_prediction_time"] == (None if died else day_end)
            still = end - time > timedelta(hours=24)
            assert truth[visit]["death_prediction_time"] == (time + timedelta(hours=24) if still else None)
            assert (truth[visit]["death_logit"] is not None) is still
    assert stays == outcomes.height


def test_times_are_when_facts_were_available(events: pl.DataFrame, outcomes: pl.DataFrame) -> None:
    stays = outcomes.select("visit_id", "admission_time", "end_time")
    inside = events.join(stays, on="visit_id")
    assert (inside["time"] >= inside["admission_time"]).all()
    diagnoses = inside.filter(pl.col("code").str.starts_with("ICD"))
    assert (diagnoses["time"] == diagnoses["end_time"]).all()  # no code of a stay before its discharge
    notes = inside.filter(pl.col("code") == NOTE)
    assert (notes["time"] >= notes["end_time"]).all()
    assert notes["note_id"].n_unique() == notes.height == outcomes.height
    rest = inside.filter(pl.col("code") != NOTE)
    assert (rest["time"] <= rest["end_time"]).all()
    admission = inside.filter(pl.col("code").str.starts_with("LAB//"))
    assert (admission["time"] > admission["admission_time"]).all()
    deaths = events.filter(pl.col("code") == "MEDS_DEATH").select("subject_id", death="time")
    after = events.join(deaths, on="subject_id").filter(pl.col("time") > pl.col("death"))
    assert set(after["code"]) <= {NOTE}
    births = events.filter(pl.col("code") == "MEDS_BIRTH")
    assert births.height == 900
    undated = events.filter(pl.col("time").is_null())
    assert set(undated["code"].str.split("//").list.first()) == {"GENDER", "RACE", "ETHNICITY"}


def test_many_rows_share_a_time(events: pl.DataFrame) -> None:
    moments = events.group_by("subject_id", "time").len()
    assert moments.filter(pl.col("len") >= 3)["len"].sum() > 0.8 * events.height


def test_groups_and_sites_are_declared(dataset: Dataset, events: pl.DataFrame, folder: Path) -> None:
    assert dataset.site_columns == ("site",)
    patients = pl.read_parquet(truth_folder(folder) / "patients.parquet").select("subject_id", truth="site")
    sites = events.filter(pl.col("site").is_not_null()).select("subject_id", "site").unique()
    assert sites.height == 900
    assert (
        sites.join(patients, left_on=["subject_id", "site"], right_on=["subject_id", "truth"]).height == 900
    )
    for name, group in dataset.settings["groups"].items():
        codes = events.filter(pl.col("code").str.starts_with(group["prefix"]))["code"].unique()
        values = {code.removeprefix(group["prefix"]) for code in codes}
        assert values <= set(group["values"]), name
        assert events.filter(pl.col("code").str.starts_with(group["prefix"]))["subject_id"].n_unique() == 900


def test_measured_values_are_plausible(events: pl.DataFrame) -> None:
    position = vocabulary().measurement
    codes = vocabulary().codes
    for index, m in enumerate(MEASUREMENTS):
        for system, unit in enumerate(m.units):
            written = events.filter(pl.col("code").is_in([codes[int(p)] for p in position[index, :, system]]))
            values = written["numeric_value"]
            assert values.is_not_null().all()
            if values.len():
                assert values.min() >= m.floor * unit.factor + unit.shift - 0.6 * 10.0**-unit.decimals
                assert values.max() <= m.ceiling * unit.factor + unit.shift + 0.6


def test_a_summary_has_its_parts(events: pl.DataFrame, outcomes: pl.DataFrame) -> None:
    notes = events.filter(pl.col("code") == NOTE).join(outcomes, on="visit_id")
    text = notes["text_value"]
    assert text.str.starts_with("Discharge summary\n\n").all()
    assert text.str.contains(
        r"(A|An) (\d\d-year-old (wo)?man|(wo)?man aged over 89) came to the hospital "
    ).all()
    assert text.str.contains(r"There was no |Review was not possible").all()
    assert not text.str.contains(r"\b(null|None|nan)\b").any()
    assert not text.str.contains(r"  |\.\.|\n\n\n| \n").any()
    assert (text.str.contains("the patient died|pt died") == notes["death"]).all()
    alive = notes.filter(~pl.col("death"))["text_value"]
    assert alive.str.contains("To be taken: |No regular medications").all()
    ages = text.str.extract(r"An? (\d+)-year-old").cast(pl.Int64)
    shown = ages.is_not_null()
    assert (ages.filter(shown) == notes["age"].floor().cast(pl.Int64).filter(shown)).all()
    assert (notes["age"].filter(~shown) >= 89).all()


def test_readmission_leaves_no_trace_before_it_happens() -> None:
    """Swap readmission and none: care, measurements and summaries of the stay stay as they were."""
    hospitals = hospitals_of(SimulateSettings(hospitals=3, causes={"mechanism": 0.0}))
    patients, stays = draw_latent(hospitals, 400, np.random.SeedSequence(8))
    swapped = replace(
        stays,
        outcome=np.select(
            [stays.outcome == READMITTED, stays.outcome == NEITHER], [NEITHER, READMITTED], DIED
        ),
    )
    cares = [draw_care(np.random.default_rng(1), patients, either) for either in (stays, swapped)]
    for name in cares[0].__dataclass_fields__:
        assert np.array_equal(getattr(cares[0], name), getattr(cares[1], name)), name
    for rounds in (vital_rounds, lab_rounds):
        before, after = (rounds(np.random.default_rng(2), either) for either in (stays, swapped))
        for name in before.__dataclass_fields__:
            assert np.array_equal(getattr(before, name), getattr(after, name)), name
    values = {m.key: np.full(len(stays.admit), np.nan) for m in MEASUREMENTS}
    texts = [
        summaries(np.random.default_rng(3), patients, either, care, hospitals, values)
        for either, care in zip((stays, swapped), cares, strict=True)
    ]
    assert texts[0].equals(texts[1])


def test_death_leaves_no_trace_in_the_first_day() -> None:
    """Swap death and survival, the stay as long as it was: the first 24 hours are measured alike."""
    hospitals = hospitals_of(SimulateSettings(hospitals=3, causes={"mechanism": 0.0}))
    _, stays = draw_latent(hospitals, 400, np.random.SeedSequence(8))
    swapped = replace(stays, outcome=np.where(stays.outcome == DIED, NEITHER, DIED))
    for rounds in (vital_rounds, lab_rounds):
        before, after = (rounds(np.random.default_rng(2), either) for either in (stays, swapped))
        early = before.time - stays.admit[before.visit] <= LANDMARK
        assert early.any()
        assert np.array_equal(before.time, after.time)
        assert np.array_equal(before.severity[early], after.severity[early])
        assert not np.array_equal(before.severity, after.severity)


@given(
    subjects=st.integers(1, 25),
    hospitals=st.integers(1, 7),
    seed=st.integers(0, 5),
    causes=st.dictionaries(st.sampled_from(CAUSES), st.floats(0, 3), max_size=3),
)
@hypothesis_settings(deadline=None, max_examples=12)
def test_small_blocks_are_whole(subjects: int, hospitals: int, seed: int, causes: dict[str, float]) -> None:
    settings = SimulateSettings(
        hospitals=hospitals, seed=seed, causes=causes | {"mechanism": 0.0}, subjects=subjects
    )
    block = make_block(settings, hospitals_of(settings), 3, subjects)
    assert block.patients.height == subjects
    assert block.events["subject_id"].n_unique() == subjects
    assert block.events["code"].null_count() == 0
    assert block.events.filter(pl.col("code") == NOTE).height == block.outcomes.height
    assert set(block.outcomes["subject_id"]) == set(block.patients["subject_id"])


def test_counts_and_boosting_come_near_the_best(events: pl.DataFrame, outcomes: pl.DataFrame) -> None:
    """Values and codes of the first 24 hours predict death: below the Bayes-optimal AUROC, not far below."""
    from lightgbm import LGBMClassifier

    from osler.simulate.truth import observed_auroc

    keys = outcomes.filter(pl.col("death_prediction_time").is_not_null()).with_row_index("sample")
    known = keys.select("sample", "subject_id", "death_prediction_time").join(
        events.filter(pl.col("code") != NOTE), on="subject_id"
    )
    known = known.filter(pl.col("time") <= pl.col("death_prediction_time"))
    name = pl.col("code").replace(_same_quantity())
    value = pl.coalesce("numeric_value", pl.lit(1.0))
    wide = (
        known.with_columns(name.alias("code"), value.alias("value"))
        .sort("time")
        .pivot("code", index="sample", values="value", aggregate_function="last")
    )
    frame = keys.select("sample", "age", "death", "death_probability", "subject_id").join(
        wide, on="sample", how="left"
    )
    x = frame.drop("sample", "death", "death_probability", "subject_id").to_numpy()
    y = frame["death"].to_numpy().astype(float)
    train = (frame["subject_id"] % 2 == 0).to_numpy()
    scores, best = [], []
    for fold in (train, ~train):
        model = LGBMClassifier(
            n_estimators=60, learning_rate=0.05, num_leaves=7, colsample_bytree=0.3, n_jobs=1, verbose=-1
        )
        model.fit(x[fold], y[fold])
        scores.append(observed_auroc(model.predict_proba(x[~fold])[:, 1], y[~fold]) or 0)
        best.append(observed_auroc(frame["death_probability"].to_numpy()[~fold], y[~fold]) or 0)
    assert np.mean(best) - 0.15 < np.mean(scores) < np.mean(best) + 0.02


def _same_quantity() -> dict[str, str]:
    """Reference code of each local laboratory code whose unit is the same."""
    position, codes = vocabulary().measurement, vocabulary().codes
    return {
        codes[int(position[index, naming, 0])]: codes[int(position[index, 0, 0])]
        for index in range(len(MEASUREMENTS))
        for naming in range(position.shape[1])
    }
