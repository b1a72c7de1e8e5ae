"""One spelling per coded term: planted codes come back from every way of writing them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.vocabulary import canonical, canonical_codes
from osler.record.vocabulary.names import prefix_of

DIGITS = "0123456789"
ICD9 = st.from_regex(r"\A([0-9]{3}|V[0-9]{2})(\.[0-9]{1,2})?\Z|\AE[0-9]{3}(\.[0-9])?\Z")
ICD9_PROCEDURE = st.from_regex(r"\A[0-9]{2}(\.[0-9]{1,2})?\Z")
ICD10 = st.from_regex(r"\A[A-Z][0-9][0-9AB](\.[0-9A-Z]{1,4})?\Z")
ICD10_PROCEDURE = st.from_regex(r"\A[0-9B-DF-HX][0-9A-HJ-NP-Z]{6}\Z")
ALIASES = {
    ("ICD9CM", "diagnosis"): [
        "ICD9CM", "ICD9", "icd-9-cm", "ICD-9", "9", "ICD9 diagnosis", "http://hl7.org/fhir/sid/icd-9-cm",
        "http://hl7.org/fhir/sid/icd-9-cm/diagnosis", "urn:oid:2.16.840.1.113883.6.103",
    ],
    ("ICD9PROC", "procedure"): [
        "ICD9Proc", "9", "icd9", "http://hl7.org/fhir/sid/icd-9-cm", "urn:oid:2.16.840.1.113883.6.104",
    ],
    ("ICD10CM", "diagnosis"): [
        "ICD10CM", "icd-10-cm", "10", "http://hl7.org/fhir/sid/icd-10-cm", "https://hl7.org/fhir/sid/icd-10-cm/",
        "urn:oid:2.16.840.1.113883.6.90", "http://hl7.org/fhir/sid/icd-10-cm|2021",
    ],
    ("ICD10PCS", "procedure"): [
        "ICD10PCS", "10", "ICD-10-PCS", "http://www.cms.gov/Medicare/Coding/ICD10",
        "urn:oid:2.16.840.1.113883.6.4",
    ],
}  # fmt: skip
CODES = {"ICD9CM": ICD9, "ICD9PROC": ICD9_PROCEDURE, "ICD10CM": ICD10, "ICD10PCS": ICD10_PROCEDURE}


@given(data=st.data())
def test_every_way_of_writing_an_icd_code_gives_the_planted_one(data):
    prefix, kind = data.draw(st.sampled_from(sorted(ALIASES)))
    code = data.draw(CODES[prefix])
    name = data.draw(st.sampled_from(ALIASES[prefix, kind]))
    dot = data.draw(st.sampled_from([".", "", " ."]))
    written = code.replace(".", dot)
    written = data.draw(st.sampled_from([written, written.lower(), f"  {written} "]))
    assert canonical(name, written, kind=kind) == f"{prefix}/{code}"


@given(code=ICD9.filter(lambda code: code[0] == "0"))
def test_leading_zeros_of_a_dotted_number_come_back(code):
    number = code.lstrip("0")
    if "." in code and number[0] != ".":
        assert canonical("9", number) == f"ICD9CM/{code}"


@pytest.mark.parametrize(
    ("vocabulary", "code", "kind", "expected"),
    [
        ("ICD9CM", "41401", "diagnosis", "ICD9CM/414.01"),
        ("ICD9CM", "E8788", "diagnosis", "ICD9CM/E878.8"),
        ("ICD9CM", "V4581", "diagnosis", "ICD9CM/V45.81"),
        ("ICD9CM", "8", "diagnosis", "ICD9CM/008"),
        ("ICD9CM", "250.", "diagnosis", "ICD9CM/250"),
        ("ICD9CM", "389", "diagnosis", "ICD9CM/389"),
        ("ICD9CM", "NODX", "diagnosis", "ICD9CM/NODX"),
        ("ICD9CM", "414012", "diagnosis", "ICD9CM/414012"),
        ("ICD9Proc", "3615", "procedure", "ICD9PROC/36.15"),
        ("ICD9Proc", "66", "procedure", "ICD9PROC/66"),
        ("ICD9Proc", "3.31", "procedure", "ICD9PROC/03.31"),
        ("ICD10CM", "I509", "diagnosis", "ICD10CM/I50.9"),
        ("ICD10CM", "O9A112", "diagnosis", "ICD10CM/O9A.112"),
        ("ICD10", "i50.9", "diagnosis", "ICD10/I50.9"),
        ("ICD10PCS", "0srC0j9", "procedure", "ICD10PCS/0SRC0J9"),
        ("http://snomed.info/sct", "44054006", "diagnosis", "SNOMED/44054006"),
        ("http://snomed.info/sct/731000124108", "44054006", "diagnosis", "SNOMED/44054006"),
        ("http://loinc.org", "718-7", "diagnosis", "LOINC/718-7"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "308182", "diagnosis", "RxNorm/308182"),
        ("RxNorm Extension", "OMOP4714152", "diagnosis", "RxNorm Extension/OMOP4714152"),
        ("http://hl7.org/fhir/sid/cvx", "140", "diagnosis", "CVX/140"),
        ("http://www.ama-assn.org/go/cpt", "99213", "procedure", "CPT4/99213"),
        ("CPT4", "99213", "procedure", "CPT4/99213"),
        ("HCPCS", "G0378", "procedure", "HCPCS/G0378"),
        ("http://www.whocc.no/atc", "C03CA01", "diagnosis", "ATC/C03CA01"),
        ("http://hl7.org/fhir/sid/ndc", "0409-1234-01", "diagnosis", "NDC/00409123401"),
        ("NDC", "00409123401", "diagnosis", "NDC/00409123401"),
        ("http://lab.example.org/tests", "Na", "diagnosis", "tests/Na"),
        ("urn:oid:1.2.3", "Na", "diagnosis", "1.2.3/Na"),
        ("Our  own/list", "a/b", "diagnosis", "Our own list/a/b"),
        (None, "41401", "diagnosis", None),
        ("ICD9", None, "diagnosis", None),
        ("ICD9", "  ", "diagnosis", None),
        (" ", "41401", "diagnosis", None),
    ],
)  # fmt: skip
def test_spelling(vocabulary, code, kind, expected):
    assert canonical(vocabulary, code, kind=kind) == expected


def test_many_at_once_are_the_same_as_one_by_one():
    names = ["ICD9", "ICD10CM", None, "LOINC", "new", "ICD9"]
    codes = ["41401", "E1165", "x", "718-7", None, "V4581"]
    together = canonical_codes(pl.Series(names), pl.Series(codes))
    assert together.to_list() == [canonical(*pair) for pair in zip(names, codes, strict=True)]
    assert together.name == "code"


def test_a_revision_may_be_a_number():
    spelled = canonical_codes(pl.Series([9, 10, None]), pl.Series(["3615", "0SRC0J9", "x"]), kind="procedure")
    assert spelled.to_list() == ["ICD9PROC/36.15", "ICD10PCS/0SRC0J9", None]


def test_nothing_gives_nothing():
    empty = pl.Series([], dtype=pl.String)
    assert canonical_codes(empty, empty).to_list() == []
    assert canonical_codes(
        pl.Series([None], dtype=pl.String), pl.Series([None], dtype=pl.String)
    ).to_list() == [None]


def test_a_canonical_code_stays_as_it_is():
    once = ["ICD9CM/414.01", "ICD9PROC/36.15", "ICD10CM/I50.9", "ICD10PCS/0SRC0J9", "RxNorm Extension/OMOP1"]
    names, codes = zip(*(code.split("/", 1) for code in once), strict=True)
    assert canonical_codes(pl.Series(names), pl.Series(codes)).to_list() == once


def test_wrong_input_is_refused():
    with pytest.raises(InputError, match="no kind of code 'drug'") as caught:
        canonical("9", "1", kind="drug")
    assert caught.value.allowed == ["diagnosis", "procedure"]
    with pytest.raises(InputError, match="2 vocabularies for 1 codes"):
        canonical_codes(pl.Series(["9", "9"]), pl.Series(["1"]))


def test_prefixes_have_no_slash_and_are_their_own():
    for names in (
        *ALIASES.values(),
        ["SNOMED", "LOINC", "RxNorm", "CVX", "HCPCS", "CPT4", "ATC", "NDC", "ICD10"],
    ):
        for name in names:
            prefix = prefix_of(name)
            assert prefix is not None
            assert "/" not in prefix
            if prefix != "ICD10":
                assert prefix_of(prefix) == prefix
