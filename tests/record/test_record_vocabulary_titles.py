"""Titles in capitals become readable; nothing else changes, and nothing is lost."""

import gzip
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.record.vocabulary.guess import guess_vocabulary
from osler.record.vocabulary.titles import readable


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("PLAGUE W/O TWIGS", "Plague without twigs"),
        ("PLAGUE W/ TWIGS", "Plague with twigs"),
        ("PLAGUE D/T TWIGS & LEAVES", "Plague due to twigs and leaves"),
        ("HIV DISEASE", "HIV disease"),
        ("DMII WO CMP NT ST UNCNTR", "DMII without cmp nt st uncntr"),
        ("HEPATITIS B NOS", "Hepatitis B NOS"),
        ("FACTOR VIII DISORDER", "Factor VIII disorder"),
        ("DOWN-s SYNDROME", "Down's syndrome"),
        ("HODGKINS PARAGRAN NEC", "Hodgkin's paragran NEC"),
        ("2ND DEG BURN ELBOW", "2nd degree burn elbow"),
        ("BMI 40 AND OVER (Begin 2005) (end 2010)", "BMI 40 and over"),
        ("PLAGUE- UNSPEC", "Plague, unspecified"),
        ("Blue fever (Begin 1994)", "Blue fever"),
        ("'Baker's elbow (Begin 2009)'", "Baker's elbow"),
        ("Blue  fever\twith HIV", "Blue fever with HIV"),
        ("pH of sap", "pH of sap"),
        ("40-49", "40-49"),
        ("", ""),
    ],
)
def test_readable(title, expected):
    assert readable(title) == expected


@given(st.text("abcXYZ 0-9/&.", max_size=30).filter(lambda title: any(c.islower() for c in title)))
def test_a_title_with_small_letters_keeps_them(title):
    if not re.search(r"[A-Z]-s\b", title):
        assert readable(title) == " ".join(title.split())


@given(st.text("ABCDEFGHIW 0123456789-/", max_size=30))
def test_numbers_are_never_lost_and_a_second_time_changes_nothing(title):
    once = readable(title)
    assert re.findall(r"\d+", once) == re.findall(r"\d+", title)
    assert not any(c.islower() for c in once) or readable(once) == once


@pytest.mark.parametrize(
    ("codes", "vocabulary"),
    [
        (["A00", "A000", "O9A112"], "ICD10CM"),
        (["0010", "41401", "V4581"], "ICD9CM"),
        (["V45", "V4581"], "ICD9CM"),
        (["0001", "3615"], "ICD9PROC"),
        (["001", "0016070", "XW03321"], "ICD10PCS"),
        ([" 250.01 ", "E878.8", ""], "ICD9CM"),
        (["718-7", "1-8"], None),
        ([], None),
        (["", " "], None),
        (["A000"] * 97 + ["?"] * 3, None),
        (["A000"] * 99 + ["?"], "ICD10CM"),
    ],
)
def test_the_vocabulary_of_codes(codes, vocabulary):
    assert guess_vocabulary(codes) == vocabulary


@pytest.mark.real
def test_no_title_of_ahrq_stays_in_capitals(real_data):
    with gzip.open(real_data / "vocab" / "icd9cm_ccs_ahrq_2015.csv.gz") as file:
        titles = pl.read_csv(file.read(), infer_schema=False)["icd9_label"].drop_nulls().unique().to_list()
    told = [readable(title) for title in titles]
    assert not [title for title in told if re.search(r"\((?:begin|end) ", title, re.IGNORECASE)]
    shouting = [title for title in told if re.search(r"[A-Z]{5,}", title)]
    assert shouting == []
    assert all(title[:1] == title[:1].upper() for title in told)
