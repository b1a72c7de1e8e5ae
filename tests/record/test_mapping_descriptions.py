"""What a code is called when its rows do not agree: what the spec lists first, then what most rows say."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mapping_support import ingest, spec_of, write_table

from osler.record.dataset import open_dataset

SPEC = """
dictionaries: {brand: {file: brands, key: id}}
tables:
  orders:
    subject: person
    lookup: {brand: {dictionary: brand, by: drug}}
    time: time
    availability: at once
    events:
      - {code: "DRUG//{drug}", description: ["{name}", "{brand.brand}", A drug without a name]}
"""
BRANDS = {"1": "Zosyn", "2": "Lasix"}


def described(folder: Path, orders: list[tuple[str, str | None]]) -> dict[str, str]:
    time = "2020-01-01 08:00:00"
    rows = [{"person": "1", "time": time, "drug": drug, "name": name} for drug, name in orders]
    write_table(folder / "a", "orders", rows)
    write_table(folder / "a", "brands", [{"id": drug, "brand": brand} for drug, brand in BRANDS.items()])
    ingest(folder / "a", spec_of(SPEC), folder / "out")
    return dict(open_dataset(folder / "out").codes.select("code", "description").iter_rows())


def test_a_name_in_one_row_serves_the_many_rows_without(tmp_path: Path) -> None:
    orders = [("1", None), ("1", None), ("1", "piperacillin"), ("2", None), ("3", None)]
    assert described(tmp_path, orders) == {
        "DRUG//1": "piperacillin",
        "DRUG//2": "Lasix",
        "DRUG//3": "A drug without a name",
    }


drugs = st.sampled_from(["1", "2", "3"])
names = st.none() | st.sampled_from(["a", "b", "c"])


@given(orders=st.lists(st.tuples(drugs, names), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_names_the_most_frequent_counts_then_the_first_of_the_alphabet(
    orders: list[tuple[str, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = {}
    for drug in {drug for drug, _ in orders}:
        given_names = Counter(name for other, name in orders if other == drug and name is not None)
        most = max(given_names.values(), default=0)
        told = sorted(name for name, n in given_names.items() if n == most)
        expected[f"DRUG//{drug}"] = told[0] if told else BRANDS.get(drug, "A drug without a name")
    assert described(tmp_path_factory.mktemp("orders"), orders) == expected
