"""The page as a whole: nothing of a patient in it, any part of a run will do, the same bytes each time."""

import re
import stat
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import fabricated_run as fabricated
import polars as pl
import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.reports.page import Page, render
from osler.reports.report import NAME, PRIVATE_NAME, write_report
from osler.reports.runfiles import AGGREGATE, RunFiles
from osler.reports.sections import SECTIONS, summary


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return fabricated.make_run(tmp_path / "run", small=True)


class Reader(HTMLParser):
    """Ids, attributes and tags of a page; complains about tags that are not closed."""

    VOID = ("meta", "br", "wbr", "path", "use", "hr", "img", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            self.attributes.append((tag, name, value or ""))
            if name == "id":
                self.ids.append(value)
            if name in ("href", "aria-labelledby"):
                self.references += (value or "").replace("#", "").split()

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open, f"</{tag}> without a beginning"
            assert self.open.pop() == tag


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def test_every_section_is_there_and_every_reference_leads_somewhere(run):
    reader = read(write_report(run))
    titles = [name for name in reader.ids if f"{name}-title" in reader.ids]
    assert [name.replace("-", "_") for name in titles if name.replace("-", "_") in SECTIONS] == list(SECTIONS)
    assert len(set(reader.ids)) == len(reader.ids)
    assert set(reader.references) <= set(reader.ids)
    assert {"main", "nav", "header", "footer", "h1", "h2", "caption", "figcaption"} <= reader.tags
    assert all(value for tag, name, value in reader.attributes if tag == "th" and name == "scope")


def test_nothing_is_fetched_and_nothing_runs(run):
    for private in (False, True):
        text = write_report(run, private=private).read_text()
        assert "http" not in text
        assert not re.search(r"<script|<link|<iframe|<img|@import|url\((?!#)|\son\w+=", text)


def test_the_same_files_give_the_same_bytes(run, tmp_path):
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    again = fabricated.make_run(tmp_path / "elsewhere" / "another", small=True)
    assert write_report(again).read_bytes() == first


def test_only_the_marked_blocks_differ_between_machines(run):
    first = write_report(run).read_text()
    write_json(run / "timings.json", {"format_version": 1, "unit": "seconds", "steps": {"dataset": 77.25}})
    write_json(run / "environment.json", {**fabricated.ENVIRONMENT, "python": "3.13.1", "packages": {}})
    second = write_report(run).read_text()
    assert "3.13.1" in second
    assert "1 min 17 s" in second

    def fixed(text: str) -> str:
        return re.sub(r"<!-- osler:(timings|environment) -->.*?<!-- /osler:\1 -->", "", text, flags=re.DOTALL)

    assert first != second
    assert fixed(first) == fixed(second)
    assert first.count("<!-- osler:timings -->") == first.count("<!-- osler:environment -->") == 1


CANARIES = [f"CANARY{i:02d}" for i in range(50)]


def test_no_canary_gets_out(run):
    """Fifty strings planted where patient data lies: ids, texts, notes, dates, rare values, paths."""
    words = iter(CANARIES)
    plant = [next(words) for _ in range(42)]
    times = [datetime(1971, 3, 5 + i % 20, 7, 13) for i in range(len(plant))]
    ids = [7_310_000_000_000 + i for i in range(len(plant))]
    keys = {"subject_id": ids, "prediction_time": times}
    text = pl.DataFrame(
        {**keys, "text": plant, "n_tokens": [900] * 42, "n_statements": [30] * 42, "n_dropped": [0] * 42}
    )
    write_parquet(run / "texts/main/texts/1.parquet", text)
    write_parquet(
        run / "texts/main/statements/0.parquet",
        pl.DataFrame({"statement_id": plant, "text": plant, "n_tokens": 3}),
    )
    lines = pl.DataFrame(
        {
            **keys,
            "line": 0,
            "statement_id": plant,
            "section": plant,
            "time": times,
            "rows": [[0]] * 42,
            "char_start": 0,
            "char_end": 8,
        }
    )
    write_parquet(run / "texts/main/lines/0.parquet", lines)
    task = fabricated.TASK
    write_parquet(
        run / "labels" / task / "data/labels.parquet", pl.DataFrame({**keys, "boolean_value": True})
    )
    write_parquet(
        run / "labels" / task / "samples.parquet", pl.DataFrame({**keys, "site": plant, "ward": plant})
    )
    for model in fabricated.MODELS:
        data = pl.DataFrame({**keys, "boolean_value": True, "predicted_boolean_probability": 0.123456789})
        write_parquet(run / "predictions" / task / model / "data.parquet", data)
        write_parquet(
            run / "predictions" / task / model / "samples.parquet", pl.DataFrame({**keys, "site": plant})
        )
    members = pl.DataFrame({**keys, "arm": "kmeans", "k": 4, "cluster": 0, "typicality": 0.987654321})
    write_parquet(run / "phenotypes" / task / "counts/phenotypes.parquet", members)
    write_parquet(
        run / "phenotypes" / task / "counts/map.parquet",
        pl.DataFrame({**keys, "x": 0.1928374, "y": 5.5647382}),
    )
    write_parquet(
        run / "dataset/data/0.parquet",
        pl.DataFrame({"subject_id": ids, "time": times, "code": plant, "text_value": plant}),
    )
    write_parquet(run / "splits.parquet", pl.DataFrame({"subject_id": ids, "split_id": plant}))

    # Rare values inside aggregate files: levels of Table 1 and variables of clusters that few patients have.
    file = run / "table_one" / task / "table_one.parquet"
    table = pl.read_parquet(file)
    rare = [next(words) for _ in range(4)]
    rows = [
        (
            "Free text",
            "COL//text",
            "categorical",
            level,
            group,
            n,
            0,
            n / 1879,
            None,
            None,
            0.1 if group == "overall" else None,
        )
        for level in rare
        for group, n in (("overall", 3), ("negative", 2), ("positive", 1))
    ]
    write_parquet(file, pl.concat([table, pl.DataFrame(rows, schema=table.schema, orient="row")]))
    file = run / "phenotypes" / task / "counts/describe.parquet"
    table = pl.read_parquet(file)
    one = next(words)
    rows = [
        ("kmeans", 4, 0, "over", 0, f"NOTE//remark={one}|ever|count", 470, 1409, 0.0064, 0.0, 0.11, 0.0, 0.2)
    ]
    write_parquet(file, pl.concat([table, pl.DataFrame(rows, schema=table.schema, orient="row")]))

    # Folders above the data, and names of machines, are nobody's business either.
    study = read_json(run / "study.json")
    folder = next(words)
    study["dataset"]["source"] = f"/home/{folder}/ward/sepsis.csv"
    write_json(run / "study.json", study)

    page = write_report(run).read_text()
    assert "sepsis.csv" in page
    # What nobody planted shows that the test sees anything at all.
    planted = set(CANARIES) - set(words)
    assert len(planted) >= 48
    assert not [word for word in CANARIES if word in page]
    for forbidden in ("73100000000", "1971", "0.1234567", "0.98765", "0.19283", "5.56473", "remark number"):
        assert forbidden not in page


def test_patient_files_are_out_of_reach_of_the_sections(run):
    files = RunFiles(run)
    for name in (
        "labels/mortality/samples.parquet",
        "labels/mortality/data/labels.parquet",
        "predictions/mortality/counts+gbm/data.parquet",
        "phenotypes/mortality/counts/map.parquet",
        "texts/main/texts/0.parquet",
        "dataset/data/0.parquet",
        "dataset/metadata/subjects.parquet",
    ):
        with pytest.raises(ValueError, match="patient data"):
            files.frame(name)
    assert not any("**" in pattern for pattern in AGGREGATE)


def numbers_in(page: str, title: str) -> str:
    """The section with this id, without its tags."""
    found = re.search(rf'<section id="{title}".*?</section>', page, re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", " ", found.group())


def test_small_cells_and_their_complements_are_stars(run):
    page = write_report(run).read_text()
    cohort = numbers_in(page, "cohort")
    assert "*" in cohort
    assert not re.search(r"\b24\b[^.]*no outcome", cohort)  # the complement of the three duplicates
    assert "1,947" in cohort
    table = numbers_in(page, "table-one")
    for count in re.findall(r"(\d[\d,]*) \([\d.]+ %\)", table):
        value = int(count.replace(",", ""))
        assert value == 0 or value > 10
    phenotypes = numbers_in(page, "phenotypes")
    assert "seen once" not in page
    for row in re.findall(r"cluster \d+\s+([\d,]+|\*\s+suppressed)\s+([\d,]+)\s", phenotypes):
        assert int(row[1].replace(",", "")) > 10


def test_other_choices_and_warnings_count_no_few_patients(run):
    cohort = numbers_in(write_report(run).read_text(), "cohort")
    assert "120 discharges were dropped within 30 days" in cohort
    assert "4 deaths" not in cohort
    choices = re.sub(r"\s+", " ", cohort[cohort.index("Samples and events by choice") :])
    assert "negative 1,880 110 6 %" in choices
    assert "composite 1,880 110 6 %" in choices


@pytest.mark.parametrize("events", [7, 1879 - 6])
def test_few_events_are_nowhere(tmp_path, events):
    run = fabricated.make_run(tmp_path, events=events)
    page = write_report(run).read_text()
    shown = numbers_in(page, "summary") + numbers_in(page, "cohort") + numbers_in(page, "table-one")
    assert "too few patients" in shown
    assert not re.search(
        rf"\b{events:,}\b(?! mmol)", re.sub(r"[\d.]+ \([\d.]+–[\d.]+\)|value \d+", "", shown)
    )
    assert "roc-mortality" not in page
    assert "With the event n =" not in re.sub(r"\s+", " ", numbers_in(page, "table-one"))


def test_sections_without_files_are_absent(tmp_path):
    write_json(tmp_path / "study.json", {"format_version": 1, "name": "bare"})
    reader = read(write_report(tmp_path))
    assert [name for name in reader.ids if f"{name}-title" in reader.ids] == ["methods", "settings"]
    fabricated.labels(tmp_path, 100, 20, small=False)
    assert "cohort" in read(write_report(tmp_path)).ids


@pytest.mark.parametrize(
    "gone", ["labels", "table_one", "predictions", "metrics.parquet", "phenotypes", "texts"]
)
def test_any_part_may_be_missing(run, gone):
    import shutil

    place = run / gone
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    read(write_report(run))


def test_no_run(tmp_path):
    with pytest.raises(InputError, match="no run"):
        write_report(tmp_path)


HOSTILE = "<script>alert(1)</script>\"'&{{7*7}}"


def test_hostile_names_are_harmless(run):
    study = read_json(run / "study.json")
    study["name"] = HOSTILE
    study["dataset"]["spec"] = HOSTILE
    write_json(run / "study.json", study)
    task = run / "labels" / fabricated.TASK / "task.json"
    described = read_json(task)
    described["description"]["label"] = HOSTILE
    write_json(task, described)
    file = run / "table_one" / fabricated.TASK / "table_one.parquet"
    table = pl.read_parquet(file)
    write_parquet(file, table.with_columns(pl.col("variable").str.replace("sex", HOSTILE, literal=True)))
    metrics = pl.read_parquet(run / "metrics.parquet")
    write_parquet(
        run / "metrics.parquet",
        metrics.with_columns(
            pl.col("representation").str.replace("document", HOSTILE.replace("/", ""), literal=True)
        ),
    )
    page = write_report(run)
    read(page)
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "49" not in numbers_in(text, "cohort")


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ((-0.003, -0.02, 0.02, 0.6), "The simpler method wins here: no model beats the baseline"),
        ((-0.03, -0.05, -0.01, 0.001), "is worse"),
        ((0.004, -0.01, 0.02, 0.6), "but the data cannot tell them apart"),
        ((0.02, 0.01, 0.03, 0.001), "both+gbm is better than the baseline counts+gbm"),
        ((0.02, 0.001, 0.03, 0.2), "but the data cannot tell them apart"),
    ],
)
def test_the_summary_says_who_wins(run, gap, words):
    value, low, high, p = gap
    metrics = pl.read_parquet(run / "metrics.parquet")
    mine = (
        (pl.col("metric") == "auroc_difference")
        & (pl.col("representation") == "both")
        & (pl.col("head") == "gbm")
    )
    kept = metrics.filter((pl.col("metric") != "auroc_difference") | mine)
    auroc = (
        mine.not_()
        & (pl.col("metric") == "auroc")
        & (pl.col("representation") == "both")
        & (pl.col("head") == "gbm")
    )
    changed = kept.with_columns(
        pl.when(mine).then(value).when(auroc).then(0.832 + value).otherwise("value").alias("value"),
        pl.when(mine).then(low).otherwise("low").alias("low"),
        pl.when(mine).then(high).otherwise("high").alias("high"),
        pl.when(mine).then(p).otherwise("p_holm").alias("p_holm"),
    )
    write_parquet(run / "metrics.parquet", changed)
    made = summary.section(RunFiles(run))
    assert made is not None
    assert words in numbers_in(render(Page("", "", (made,), 10)), "summary")


def test_every_number_names_its_file(run):
    page = write_report(run).read_text()
    for block in re.findall(r"<caption>.*?</caption>|<figcaption>.*?</figcaption>", page, re.DOTALL):
        assert 'class="from"' in block or "Files of the run" in block
    for item in re.findall(r"<li>(.*?)</li>", numbers_in_html(page, "summary"), re.DOTALL):
        assert 'class="from"' in item


def numbers_in_html(page: str, title: str) -> str:
    found = re.search(rf'<section id="{title}".*?</section>', page, re.DOTALL)
    assert found
    return found.group()


def test_the_private_page_shows_texts_with_their_rows_and_the_map(run):
    fabricated.private_files(run)
    path = write_report(run, private=True)
    assert path.name == PRIVATE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    reader = read(path)
    text = path.read_text()
    assert "Patient data." in text
    assert "Do not share" in text
    assert text.count('class="record"') == 2
    assert "Heart rate: 206" in text
    assert "COL//hr" in text
    assert "2020-02-26" in text
    assert {"records", "maps", "summary"} <= set(reader.ids)
    assert "By hospital" in text
    assert "cluster 3" in text
    assert "Demographics" in text  # a heading between two statements
    shared = write_report(run).read_text()
    assert "Heart rate: 206" not in shared
    assert "By hospital" not in shared


def test_the_private_page_shows_exemplars_and_says_what_is_cut(run):
    fabricated.private_files(run)
    text = "\n".join(f"Finding {number}: present" for number in range(200))
    rows = [("kmeans", 4, cluster, 1, 9000 + cluster, 0.75, "text", text) for cluster in range(2)]
    rows.append(("kmeans", 4, 2, 1, 9002, 1.0, None, None))
    names = ["arm", "k", "cluster", "rank", "subject_id", "typicality", "written_from", "text"]
    file = f"phenotypes/{fabricated.TASK}/counts/exemplars.parquet"
    write_parquet(run / file, pl.DataFrame(rows, schema=names, orient="row"))
    page = write_report(run, private=True).read_text()
    exemplars = numbers_in(page, "exemplars")
    assert "Subject 9001" in exemplars
    shown = re.findall(r"Finding (\d+): present", exemplars)
    assert shown[: len(shown) // 2] == [str(number) for number in range(len(shown) // 2)]
    kept = "\n".join(text.splitlines()[: len(shown) // 2])
    assert f"[{len(text) - len(kept):,} characters left out here; the file holds them]" in exemplars
    assert "no text and no variables" in exemplars
    shared = write_report(run).read_text()
    assert "Subject 9001" not in shared
    with pytest.raises(ValueError, match="patient data"):
        RunFiles(run).frame(file)


def test_command(run):
    import typer

    from osler.cli.report import command

    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, [str(run), "--json"])
    assert done.exit_code == 0, done.output
    assert '"sections": ["summary"' in done.stdout
    assert (run / NAME).is_file()
    assert not (run / PRIVATE_NAME).exists()
    done = CliRunner().invoke(app, [str(run), "--private"])
    assert done.exit_code == 0
    assert (run / PRIVATE_NAME).is_file()
