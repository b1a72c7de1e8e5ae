"""The public title files of ../shared/data/vocab on the codes of real patients."""

import gzip

import polars as pl
import pytest

from osler.record.vocabulary import canonical_codes, open_vocabulary
from osler.record.vocabulary.vocabulary import STRUCTURE


def read(path):
    with gzip.open(path) as file:
        return pl.read_csv(file.read(), infer_schema=False)


@pytest.mark.real
def test_the_diagnoses_of_mimic_are_told(real_data):
    """Over 99 % of codes by a title of their own, the few retired ones by their ancestor's."""
    rows = read(real_data / "mimic4_demo" / "hosp" / "diagnoses_icd.csv.gz")
    codes = canonical_codes(rows["icd_version"], rows["icd_code"])
    vocabulary = open_vocabulary(real_data / "vocab")
    told = vocabulary.describe(codes)
    assert set(told["code"]) == set(codes)
    used = {source["form"]: source["descriptions"] for source in vocabulary.sources}
    assert used.pop(STRUCTURE) == 4
    assert sum(used.values()) / codes.n_unique() > 0.99

    order = read(real_data / "vocab" / "icd10cm-order-Jan-2021.csv.gz")
    by_hand = dict(zip(order["code"], order["long"], strict=True))
    mine = told.filter(pl.col("code").str.starts_with("ICD10CM/"))
    wrong = [
        (code, title)
        for code, title in mine.rows()
        if by_hand.get(code.removeprefix("ICD10CM/").replace(".", ""), title) != title
    ]
    assert wrong == []
    assert mine.height > 700


@pytest.mark.real
def test_what_the_folder_holds_is_told(real_data):
    sources = {source["file"]: source for source in open_vocabulary(real_data / "vocab").sources}
    assert sources["icd10cm-order-Jan-2021.csv.gz"]["vocabularies"] == ["ICD10CM"]
    assert sources["icd9cm_ccs_ahrq_2015.csv.gz"]["form"].endswith("columns icd9 and icd9_label")
    assert sources["icd_cm_9_to_10_mapping.csv.gz"]["reason"]
    assert sources["comformat2012-2013.txt"]["reason"]


@pytest.mark.real
def test_concepts_of_synthea_are_told(real_data):
    concept = read(real_data / "synthea27nj_omop" / "CONCEPT.csv.gz")
    concept = concept.filter(pl.col("vocabulary_id").is_in(["SNOMED", "LOINC", "RxNorm"]))
    by_hand = dict(
        zip(concept["vocabulary_id"] + "/" + concept["concept_code"], concept["concept_name"], strict=True)
    )
    told = open_vocabulary(real_data / "synthea27nj_omop" / "CONCEPT.csv.gz").describe(
        pl.Series(list(by_hand))
    )
    assert dict(told.rows()) == by_hand
    assert len(by_hand) > 1000
