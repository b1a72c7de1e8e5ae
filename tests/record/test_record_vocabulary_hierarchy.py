"""Parents by structure against counting digits, and against the code lists of CMS and AHRQ."""

import gzip
import re
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.record.vocabulary import ancestors, canonical_codes, parents_of
from osler.record.vocabulary.hierarchy import chapters, lineage

# First category of each chapter after the first; a second way of saying the ranges of ICD-9-CM.
ICD9_STARTS = (140, 240, 280, 290, 320, 390, 460, 520, 580, 630, 680, 710, 740, 760, 780, 800)


@given(category=st.integers(1, 999), rest=st.text("0123456789", max_size=2))
def test_icd9_goes_up_digit_by_digit_to_its_chapter(category, rest):
    code = f"ICD9CM/{category:03}" + (f".{rest}" if rest else "")
    expected = [f"ICD9CM/{category:03}.{rest[0]}"] if len(rest) == 2 else []
    expected += [f"ICD9CM/{category:03}"] if rest else []
    starts = [1, *ICD9_STARTS, 1000]
    index = max(place for place, start in enumerate(starts) if start <= category)
    expected.append(f"ICD9CM/{starts[index]:03}-{starts[index + 1] - 1:03}")
    assert list(lineage(code)) == expected
    assert expected[-1] in chapters()


@pytest.mark.parametrize(
    ("code", "up"),
    [
        ("ICD10CM/E11.65", ["E11.6", "E11", "E00-E89"]),
        ("ICD10CM/I50.9", ["I50", "I00-I99"]),
        ("ICD10CM/C4A.9", ["C4A", "C00-D49"]),
        ("ICD10CM/O9A.112", ["O9A.11", "O9A.1", "O9A", "O00-O9A"]),
        ("ICD10CM/U07.1", ["U07", "U00-U85"]),
        ("ICD10CM/M80.00XA", ["M80.00", "M80.0", "M80", "M00-M99"]),
        ("ICD10CM/M1A.9XX1", ["M1A.9", "M1A", "M00-M99"]),
        ("ICD10CM/T36.0X1A", ["T36.0X1", "T36.0X", "T36.0", "T36", "S00-T88"]),
        ("ICD10CM/S52.501A", ["S52.501", "S52.50", "S52.5", "S52", "S00-T88"]),
        ("ICD9CM/250.01", ["250.0", "250", "240-279"]),
        ("ICD9CM/E878.8", ["E878", "E000-E999"]),
        ("ICD9CM/V45.81", ["V45.8", "V45", "V01-V91"]),
        ("ICD9PROC/36.15", ["36.1", "36"]),
        ("ICD10PCS/0SRC0J9", ["0SR", "0"]),
        ("ICD10PCS/0SR", ["0"]),
        ("ICD10PCS/0SRC0J", ["0SR", "0"]),
    ],
)
def test_lineage(code, up):
    vocabulary = code.partition("/")[0]
    assert list(lineage(code)) == [f"{vocabulary}/{parent}" for parent in up]


@pytest.mark.parametrize(
    "code",
    ["ICD10CM/E00-E89", "ICD9CM/240-279", "ICD10PCS/0", "ICD9PROC/36", "LOINC/718-7", "SNOMED/1",
     "ICD10/I50.9", "ICD9CM/NODX", "ICD10CM/", "ICD10CM/e11.6", "ICD10CM//E11.6", "E11.6", "",
     "LAB//50912", "ICD10PCS/OSR"],
)  # fmt: skip
def test_no_parent(code):
    assert parents_of(code) is None


SOME = ["ICD10CM/E11.65", "ICD10CM/E11.64", "ICD9CM/250.01", "ICD9CM/V45", "ICD10PCS/0SRC0J9", "LOINC/718-7"]


@given(codes=st.lists(st.sampled_from([*SOME, None])))
def test_ancestors_are_every_edge_of_every_lineage_once(codes):
    edges = ancestors(pl.Series(codes, dtype=pl.String))
    expected = set()
    for code in filter(None, codes):
        chain = [code, *lineage(code)]
        expected |= set(pairwise(chain))
    assert edges.columns == ["code", "parent"]
    assert sorted(edges.rows()) == edges.rows()
    assert set(edges.rows()) == expected
    assert edges.height == len(expected)


def test_chapters_do_not_overlap():
    ranges = {}
    for code in chapters():
        vocabulary, _, local = code.partition("/")
        first, dash, last = local.partition("-")
        if dash:
            ranges.setdefault((vocabulary, len(first), first[0] in "EV"), []).append((first, last))
    for found in ranges.values():
        ordered = sorted(found)
        assert all(first <= last for first, last in ordered)
        assert all(a[1] < b[0] for a, b in pairwise(ordered))


@pytest.mark.real
def test_structural_ancestors_of_every_billable_code_are_codes(real_data):
    """The one exception of the January 2021 release, H54.512, is a level that only H54.512A has."""
    with gzip.open(real_data / "vocab" / "icd10cm-order-Jan-2021.csv.gz") as file:
        order = pl.read_csv(file.read(), infer_schema=False)
    spelled = canonical_codes(pl.Series(["ICD10CM"] * order.height), order["code"])
    known, missing = set(spelled), {}
    for code in spelled.filter(order["billable"] == "1").to_list():
        *categories, chapter = lineage(code)
        assert chapter in chapters()
        for parent in categories:
            if parent not in known:
                missing.setdefault(parent, []).append(code)
    assert missing == {"ICD10CM/H54.512": ["ICD10CM/H54.512A"]}


@pytest.mark.real
@pytest.mark.parametrize("release", ["vocab", "demo"])
def test_every_icd9_diagnosis_gets_its_dot_and_a_chapter(real_data, release):
    if release == "vocab":
        path, column = real_data / "vocab" / "icd9cm_ccs_ahrq_2015.csv.gz", "icd9"
    else:
        path, column = real_data / "mimic4_demo" / "hosp" / "diagnoses_icd.csv.gz", "icd_code"
    with gzip.open(path) as file:
        frame = pl.read_csv(file.read(), infer_schema=False)
    if release == "demo":
        frame = frame.filter(pl.col("icd_version") == "9")
    codes = frame[column].unique()
    spelled = canonical_codes(pl.Series(["9"] * codes.len()), codes)
    for raw, code in zip(codes, spelled, strict=True):
        places = 4 if raw.startswith("E") else 3
        dotted = raw[:places] + ("." + raw[places:] if raw[places:] else "")
        assert code == f"ICD9CM/{dotted}"
        assert re.fullmatch(r"ICD9CM/(\d{3}|V\d\d|E\d{3})(\.\d{1,2})?", code)
        assert list(lineage(code))[-1] in chapters()
    assert codes.len() > 500
