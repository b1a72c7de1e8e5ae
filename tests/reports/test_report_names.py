"""Names of clusters on the page: a model's name with a number gives way to the rule's."""

import re
from pathlib import Path

import fabricated_run as fabricated
import polars as pl

from osler.base.files import write_parquet
from osler.reports.report import write_report


def test_names_are_shown_without_numbers(tmp_path: Path) -> None:
    run = fabricated.make_run(tmp_path)
    rows = [
        ("kmeans", 4, 0, "high Lactate", "high Lactate", "rule"),
        ("kmeans", 4, 1, "Cold children", "low Temperature", "llama"),
        ("kmeans", 4, 2, "Lactate of 987654", "high Lactate, Coma", "llama"),
        ("kmeans", 4, 3, "less Fever", "less Fever", "rule"),
    ]
    names = ["arm", "k", "cluster", "name", "by_rule", "by"]
    file = run / "phenotypes" / fabricated.TASK / "counts" / "names.parquet"
    write_parquet(file, pl.DataFrame(rows, schema=names, orient="row"))
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", write_report(run).read_text()))
    assert "cluster 1 Cold children llama" in page
    assert "cluster 2 high Lactate, Coma rule" in page
    assert "987654" not in page
