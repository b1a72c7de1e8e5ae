"""Titles and parents out of files of every form, against what the test wrote into them."""

import json
from hashlib import sha256

import polars as pl
import pytest
import vocabulary_files as make

from osler.base.errors import InputError
from osler.record.vocabulary import ancestors, open_vocabulary

ICD10 = [
    ("A00", "0", "Blue fever", "Blue fever"),
    ("A000", "1", "Blue fever, mild", f"Blue fever, mild, {make.LONG}"),
    ("E1165", "1", "Red disease", f"Red disease {make.LONG}"),
    ("S52501A", "1", "Broken twig, init", f"Broken twig, initial encounter, {make.LONG}"),
]
ICD10_TITLES = {
    "ICD10CM/A00": "Blue fever",
    "ICD10CM/A00.0": f"Blue fever, mild, {make.LONG}",
    "ICD10CM/E11.65": f"Red disease {make.LONG}",
    "ICD10CM/S52.501A": f"Broken twig, initial encounter, {make.LONG}",
}
ICD9 = [
    ("0010", "Gray plague"),
    ("41401", "Friedl\xe4nder's vessel"),
    ("V4581", "Twig bypass"),
    ("E8788", "Fall"),
]
ICD9_TITLES = {
    "ICD9CM/001.0": "Gray plague",
    "ICD9CM/414.01": "Friedländer's vessel",
    "ICD9CM/V45.81": "Twig bypass",
    "ICD9CM/E878.8": "Fall",
}


def told(vocabulary, codes):
    found = vocabulary.describe(pl.Series(list(codes), dtype=pl.String))
    assert found.columns == ["code", "description"]
    assert found["code"].is_sorted()
    return dict(found.rows())


@pytest.mark.parametrize("name", ["icd10cm_order_2021.txt", "renamed.dat", "packed.txt.gz"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_order_file(tmp_path, name, end):
    vocabulary = open_vocabulary(make.order_file(tmp_path / name, ICD10, end=end))
    assert told(vocabulary, [*ICD10_TITLES, None, "ICD9CM/001.0"]) == ICD10_TITLES
    (source, structure) = vocabulary.sources
    assert source["file"] == name
    assert source["form"] == "CMS order file of ICD10CM"
    assert source["descriptions"] == 4
    assert source["sha256"] == sha256((tmp_path / name).read_bytes()).hexdigest()
    assert structure["descriptions"] == 0
    assert json.loads(json.dumps(vocabulary.sources)) == vocabulary.sources


def test_an_order_file_of_procedures(tmp_path):
    rows = [
        ("001", "0", "Head, Bypass", "Central Twigs, Bypass"),
        ("0016070", "1", "Bypass A", "Bypass Twig to Branch, Open Approach"),
    ]
    vocabulary = open_vocabulary(make.order_file(tmp_path / "a.txt", rows))
    asked = ["ICD10PCS/001", "ICD10PCS/0016070", "ICD10PCS/0016071", "ICD10PCS/0", "ICD10PCS/0SR"]
    assert told(vocabulary, asked) == {
        "ICD10PCS/0": "Medical and surgical procedures",
        "ICD10PCS/001": "Central Twigs, Bypass",
        "ICD10PCS/0016070": "Bypass Twig to Branch, Open Approach",
        "ICD10PCS/0016071": "Central Twigs, Bypass",
    }


def test_lists_of_codes(tmp_path):
    make.code_list(tmp_path / "dx", ICD9, width=5, encoding="latin-1")
    make.code_list(tmp_path / "sg", [("0001", "Sound of twigs"), ("3615", "Twig graft")], width=4)
    make.code_list(tmp_path / "cm", [(code, long) for code, _, _, long in ICD10], width=7)
    vocabulary = open_vocabulary(tmp_path)
    planted = {
        **ICD9_TITLES,
        **ICD10_TITLES,
        "ICD9PROC/00.01": "Sound of twigs",
        "ICD9PROC/36.15": "Twig graft",
    }
    assert told(vocabulary, planted) == planted
    assert {source["file"]: source["vocabularies"] for source in vocabulary.sources if source["file"]} == {
        "cm": ["ICD10CM"],
        "dx": ["ICD9CM"],
        "sg": ["ICD9PROC"],
    }


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("code,billable,short,long", ","),
        ("ICD10,x,short_title,long_title", ","),
        ("icd_code\tx\tlabel\tLong Description", "\t"),
        ("Dx Code;x;Short Description;Description", ";"),
    ],
)
def test_tables_prefer_their_long_titles(tmp_path, header, delimiter):
    rows = [delimiter.join([code, flag, "no", f'"{long}"' if delimiter != "\t" else long])
            for code, flag, _, long in ICD10]  # fmt: skip
    for name in ("a.csv", "a.csv.gz"):
        vocabulary = open_vocabulary(make.write(tmp_path / name, [header, *rows]))
        assert told(vocabulary, ICD10_TITLES) == ICD10_TITLES


def test_a_table_in_latin_1_with_a_title_named_after_its_codes(tmp_path):
    rows = [f"{code},7,Some class,{title}" for code, title in ICD9]
    path = make.write(tmp_path / "a.csv.gz", ["icd9,ccs,ccs_label,icd9_label", *rows], encoding="latin-1")
    assert told(open_vocabulary(path), ICD9_TITLES) == ICD9_TITLES


def test_a_table_with_a_byte_order_mark_quotes_and_a_blank_title(tmp_path):
    lines = ["\ufeffcode,title", 'A000,"Fever, ""blue"""', "A001,", "A00,  ", '"E11.65",Red', "S52501A,Twig"]
    found = told(
        open_vocabulary(make.write(tmp_path / "a.csv", lines)),
        ["ICD10CM/A00.0", "ICD10CM/A00.1", "ICD10CM/E11.65"],
    )
    assert found == {"ICD10CM/A00.0": 'Fever, "blue"', "ICD10CM/E11.65": "Red"}


def test_a_table_that_names_the_vocabulary_of_each_row(tmp_path):
    lines = ["icd_code,icd_version,long_title", "0010,9,Gray plague", "41401,9,Vessel", "A000,10,Blue fever"]
    found = told(open_vocabulary(make.write(tmp_path / "d.csv", lines)), ["ICD9CM/001.0", "ICD10CM/A00.0"])
    assert found == {"ICD9CM/001.0": "Gray plague", "ICD10CM/A00.0": "Blue fever"}
    lines = ["icd_code,icd_version,long_title", "0001,9,Sound", "3615,9,Graft", "0SRC0J9,10,Hip"]
    found = told(
        open_vocabulary(make.write(tmp_path / "p.csv", lines)), ["ICD9PROC/36.15", "ICD10PCS/0SRC0J9"]
    )
    assert found == {"ICD9PROC/36.15": "Graft", "ICD10PCS/0SRC0J9": "Hip"}
    lines = [
        "system,code,display",
        "http://loinc.org,718-7,Iron mass",
        "LOINC,1-8,Zinc mass",
        "ours,1-8,Other",
    ]
    found = told(
        open_vocabulary(make.write(tmp_path / "l.csv", lines)), ["LOINC/718-7", "LOINC/1-8", "ours/1-8"]
    )
    assert found == {"LOINC/718-7": "Iron mass", "LOINC/1-8": "Zinc mass", "ours/1-8": "Other"}


def test_the_own_table_of_loinc(tmp_path):
    lines = [
        '"LOINC_NUM","COMPONENT","SHORTNAME","LONG_COMMON_NAME"',
        '"718-7","x","Fe","Iron [Mass/volume] in Sap"',
    ]
    assert told(open_vocabulary(make.write(tmp_path / "Loinc.csv", lines)), ["LOINC/718-7"]) == {
        "LOINC/718-7": "Iron [Mass/volume] in Sap"
    }


def test_of_two_titles_in_one_table_the_longer_is_taken(tmp_path):
    lines = ["icd10,title", "A000,Blue", "A000,Blue fever", "A000,Blue hat", "A00,Fever"]
    assert told(open_vocabulary(make.write(tmp_path / "a.csv", lines)), ["ICD10CM/A00.0"]) == {
        "ICD10CM/A00.0": "Blue fever"
    }


def test_long_titles_and_late_releases_come_first_and_retired_codes_keep_theirs(tmp_path):
    make.code_list(tmp_path / "short", [("A000", "Bl fev"), ("A00", "Bl"), ("S52501A", "Twig")], width=7)
    old = [
        ("A000", "1", "x", f"Old {make.LONG}"),
        ("A009", "1", "x", "Retired"),
        ("S52501A", "1", "x", "Twig"),
    ]
    make.order_file(tmp_path / "order_2018.txt", old)
    make.order_file(tmp_path / "order_2021.txt", ICD10)
    vocabulary = open_vocabulary(tmp_path)
    assert told(vocabulary, [*ICD10_TITLES, "ICD10CM/A00.9"]) == {**ICD10_TITLES, "ICD10CM/A00.9": "Retired"}
    used = {source["file"]: source["descriptions"] for source in vocabulary.sources}
    assert used == {"short": 0, "order_2018.txt": 1, "order_2021.txt": 4, None: 0}


def test_a_code_that_no_file_knows_is_told_by_its_nearest_ancestor(tmp_path):
    vocabulary = open_vocabulary(make.order_file(tmp_path / "a.txt", ICD10))
    asked = [
        "ICD10CM/A00.9",
        "ICD10CM/A00.0XXA",
        "ICD10CM/B99",
        "ICD10CM/E00-E89",
        "ICD9CM/250.01",
        "x",
        "LAB//1",
    ]
    assert told(vocabulary, asked) == {
        "ICD10CM/A00.0XXA": f"Blue fever, mild, {make.LONG}",
        "ICD10CM/A00.9": "Blue fever",
        "ICD10CM/E00-E89": "Endocrine, nutritional and metabolic diseases",
    }
    assert vocabulary.sources[-1]["descriptions"] == 3


def test_capitals_are_told_in_sentence_case(tmp_path):
    rows = [("0010", "MRSA PLAGUE-UNSPEC (Begin 1994)"), ("41401", "BROKEN TWIG"), ("V4581", "Fixed TWIG")]
    vocabulary = open_vocabulary(make.code_list(tmp_path / "a", rows, width=5))
    assert told(vocabulary, ["ICD9CM/001.0", "ICD9CM/414.01", "ICD9CM/V45.81"]) == {
        "ICD9CM/001.0": "MRSA plague, unspecified",
        "ICD9CM/414.01": "Broken twig",
        "ICD9CM/V45.81": "Fixed TWIG",
    }


ROWS = [
    (1, "Disease", "SNOMED", "S", "64572001", ""),
    (2, 'Red "apple" disease', "SNOMED", "S", "111", ""),
    (3, "Red apple disease of leaf", "SNOMED", "S", "222", ""),
    (4, "Blue disease", "SNOMED", "S", "333", ""),
    (5, "Red disease, coded", "ICD10CM", "", "E11.65", ""),
    (6, "Old name", "SNOMED", "", "111", "D"),
    (7, "Graft of twig", "ICD9Proc", "S", "36.15", ""),
    (8, "", "CPT4", "S", "99213", ""),
    (9, "Visit, as licensed", "CPT4", "S", "99214", ""),
    (10, "ASPIRIN 81 MG", "RxNorm Extension", "S", "OMOP1", ""),
    (11, "Operations on vessels", "ICD9Proc", "S", "36", ""),
    (12, "Twig heart operations", "SNOMED", "S", "444", ""),
]
CONCEPT_TITLES = {
    "SNOMED/64572001": "Disease",
    "SNOMED/111": 'Red "apple" disease',
    "SNOMED/222": "Red apple disease of leaf",
    "ICD10CM/E11.65": "Red disease, coded",
    "ICD9PROC/36.15": "Graft of twig",
    "CPT4/99214": "Visit, as licensed",
    "RxNorm Extension/OMOP1": "ASPIRIN 81 MG",
}
PARENTS = {3: [2], 2: [1], 4: [1], 7: [11], 11: [12]}


@pytest.mark.parametrize("name", ["CONCEPT.csv", "packed.gz"])
def test_titles_of_concepts(tmp_path, name):
    vocabulary = open_vocabulary(make.concepts(tmp_path / name, ROWS))
    assert told(vocabulary, [*CONCEPT_TITLES, "CPT4/99213", "SNOMED/999", "SNOMED/33"]) == CONCEPT_TITLES


def test_concepts_in_latin_1_and_with_commas(tmp_path):
    rows = [(1, "Sjögren's leaf", "SNOMED", "S", "1", "")]
    vocabulary = open_vocabulary(make.concepts(tmp_path / "a", rows, encoding="latin-1"))
    assert told(vocabulary, ["SNOMED/1"]) == {"SNOMED/1": "Sjögren's leaf"}
    line = '1,"Leaf, ""green""",Any,SNOMED,Any,S,1,19700101,20991231,'
    path = make.write(tmp_path / "b", [",".join(make.CONCEPT.upper().split()), line])
    assert told(open_vocabulary(path), ["SNOMED/1"]) == {"SNOMED/1": 'Leaf, "green"'}


def export(folder):
    make.concepts(folder / "CONCEPT.csv", ROWS)
    make.concept_ancestors(folder / "CONCEPT_ANCESTOR.csv", PARENTS)
    make.relationships(
        folder / "CONCEPT_RELATIONSHIP.csv",
        [
            (5, 3, "Maps to", ""),
            (5, 4, "Maps to", "D"),
            (5, 2, "Is a", ""),
            (3, 3, "Maps to", ""),
            (6, 2, "Maps to", ""),
        ],
    )
    make.write(folder / "DOMAIN.csv", ["domain_id\tdomain_name\tdomain_concept_id", "Any\tAny\t0"])
    return folder


def test_parents_out_of_concept_ancestor_and_relationship(tmp_path):
    vocabulary = open_vocabulary(export(tmp_path))
    codes = pl.Series(["SNOMED/222", "SNOMED/333", "ICD9PROC/36.15", "ICD10CM/E11.65", "SNOMED/999", None])
    expected = [
        ("SNOMED/222", "SNOMED/111"),
        ("SNOMED/111", "SNOMED/64572001"),
        ("SNOMED/333", "SNOMED/64572001"),
        ("ICD9PROC/36.15", "ICD9PROC/36"),
        ("ICD9PROC/36", "SNOMED/444"),
        ("ICD10CM/E11.65", "SNOMED/222"),
        *ancestors(pl.Series(["ICD10CM/E11.65"])).rows(),
    ]
    assert vocabulary.parents(codes).rows() == sorted(expected)
    used = {
        source["file"]: (source["parents"], source["sha256"] is not None) for source in vocabulary.sources
    }
    assert used == {
        "CONCEPT.csv": (0, True),
        "CONCEPT_ANCESTOR.csv": (5, True),
        "CONCEPT_RELATIONSHIP.csv": (1, True),
        "DOMAIN.csv": (0, False),
        None: (3, False),
    }
    assert "nothing about titles" in vocabulary.sources[-2]["reason"]


def test_ancestors_of_a_mapped_concept_are_followed(tmp_path):
    vocabulary = open_vocabulary(export(tmp_path))
    rows = vocabulary.parents(pl.Series(["ICD10CM/E11.65"])).rows()
    assert ("SNOMED/222", "SNOMED/111") in rows
    assert ("SNOMED/111", "SNOMED/64572001") in rows


def test_the_same_export_as_parquet_and_in_parts_says_the_same(tmp_path):
    plain = open_vocabulary(export(tmp_path / "plain"))
    codes = pl.Series(["SNOMED/222", "SNOMED/333", "ICD9PROC/36.15", "ICD10CM/E11.65", "SNOMED/999"])
    for name in ("CONCEPT", "CONCEPT_ANCESTOR", "CONCEPT_RELATIONSHIP"):
        frame = pl.read_csv(tmp_path / "plain" / f"{name}.csv", separator="\t", quote_char=None)
        half = frame.height // 2
        for part, rows in enumerate((frame[:half], frame[half:].select(reversed(frame.columns)))):
            folder = tmp_path / "parts" / name.lower()
            folder.mkdir(parents=True, exist_ok=True)
            rows.rename(str.upper).write_parquet(folder / f"{part}.parquet")
    parts = open_vocabulary(tmp_path / "parts")
    assert parts.describe(codes).rows() == plain.describe(codes).rows()
    assert parts.parents(codes).rows() == plain.parents(codes).rows()
    used = {source["file"]: source["parents"] for source in parts.sources if source["sha256"]}
    assert used["concept_ancestor/0.parquet"] == 5
    assert len(used) == 6


def test_several_folders_are_one_vocabulary(tmp_path):
    one, two = export(tmp_path / "one"), make.order_file(tmp_path / "two" / "a.txt", ICD10)
    vocabulary = open_vocabulary(one, two)
    assert told(vocabulary, ["SNOMED/333", "ICD10CM/A00.0", "ICD10CM/E11.65"]) == {
        "SNOMED/333": "Blue disease",
        "ICD10CM/A00.0": ICD10_TITLES["ICD10CM/A00.0"],
        "ICD10CM/E11.65": ICD10_TITLES["ICD10CM/E11.65"],
    }


def test_the_hash_is_of_names_and_contents_of_what_is_recognised(tmp_path):
    path = make.order_file(tmp_path / "v" / "a.txt", ICD10)
    first = open_vocabulary(tmp_path / "v").hash
    assert open_vocabulary(path).hash == first
    make.write(tmp_path / "v" / "notes.txt", ["nothing known"])
    assert open_vocabulary(tmp_path / "v").hash == first
    make.order_file(path, ICD10[:-1])
    assert open_vocabulary(tmp_path / "v").hash != first


def test_tables_of_ids_without_concept_are_of_no_use(tmp_path):
    make.concept_ancestors(tmp_path / "CONCEPT_ANCESTOR.csv", PARENTS)
    with pytest.raises(InputError, match="without the table CONCEPT"):
        open_vocabulary(tmp_path)
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    make.order_file(tmp_path / "b.txt", ICD10)
    vocabulary = open_vocabulary(tmp_path)
    assert {file.path.name: file.reason.partition(",")[0] for file in vocabulary.unknown} == {
        "CONCEPT_ANCESTOR.csv": "a table of ids of concepts",
        "a.parquet": "Parquet",
        "broken.parquet": "Parquet",
    }


def test_without_concept_tables_parents_are_structural(tmp_path):
    vocabulary = open_vocabulary(make.order_file(tmp_path / "a.txt", ICD10))
    codes = pl.Series(["ICD10CM/E11.65", "ICD9CM/250.01", "SNOMED/1"])
    assert vocabulary.parents(codes).rows() == ancestors(codes).rows()
    only_concept = open_vocabulary(make.concepts(tmp_path / "b" / "CONCEPT.csv", ROWS))
    assert only_concept.parents(codes).rows() == ancestors(codes).rows()


@pytest.mark.parametrize("codes", [[], [None], ["unknown", "LAB//50912", "ICD10CM/", "/x"]])
def test_nothing_asked_or_known_gives_nothing(tmp_path, codes):
    make.order_file(tmp_path / "a.txt", ICD10)
    vocabulary = open_vocabulary(export(tmp_path))
    asked = pl.Series(codes, dtype=pl.String)
    assert vocabulary.describe(asked).rows() == []
    assert vocabulary.parents(asked).rows() == []
    assert vocabulary.describe(asked).schema == {"code": pl.String, "description": pl.String}
    assert vocabulary.parents(asked).schema == {"code": pl.String, "parent": pl.String}


def test_unknown_files_are_told_with_their_reason(tmp_path):
    make.order_file(tmp_path / "sub" / "a.txt", ICD10)
    make.write(
        tmp_path / "addenda.txt", ["Delete:      1 A047    Blue fever", "Add:         0 A047    Fever"]
    )
    make.write(tmp_path / "map.csv", ["icd_9,icd_10,flags", "0010,A000,00000"])
    make.write(tmp_path / ".hidden", ["nothing"])
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04 and so on")
    (tmp_path / "page.pdf").write_bytes(b"%PDF-1.4\n\0\1\2")
    (tmp_path / "empty.txt").write_bytes(b"\n")
    vocabulary = open_vocabulary(tmp_path)
    reasons = {source["file"]: source["reason"] for source in vocabulary.sources}
    assert reasons.pop("sub/a.txt") is None
    assert reasons.pop(None) is None
    assert reasons == {
        "addenda.txt": "neither a list of codes with titles nor a table",
        "book.xlsx": "a zip archive or a workbook: unpack it, or save it as CSV",
        "empty.txt": "the file is empty",
        "map.csv": "a table without a column of known codes and one of titles",
        "page.pdf": "not a text file",
    }
    assert {file.path.name for file in vocabulary.unknown} == set(reasons)


def test_what_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        open_vocabulary(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="no vocabulary file is recognised") as caught:
        open_vocabulary(tmp_path / "folder")
    assert caught.value.count == 0
    path = make.write(tmp_path / "folder" / "notes.txt", ["Some words", "and more words"])
    with pytest.raises(InputError, match=r"notes\.txt: neither a list") as caught:
        open_vocabulary(path)
    assert caught.value.remedy


@pytest.mark.parametrize("left", [300, 0.5, 0.99])
def test_a_packed_file_that_was_cut_off_is_refused(tmp_path, left):
    rows = [
        (f"{letter}{number:02}", "1", "x", f"{number} {make.LONG}")
        for letter in "ABCDE"
        for number in range(100)
    ]
    order = [(code + str(last), *rest) for code, *rest in rows for last in range(10)]
    table = ["code,title", *(f"{code},{title}" for code, _, _, title in order)]
    for path in (make.order_file(tmp_path / "order.gz", order), make.write(tmp_path / "table.csv.gz", table)):
        data = path.read_bytes()
        path.write_bytes(data[: left if isinstance(left, int) else int(len(data) * left)])
        with pytest.raises(InputError, match=r"cannot be read to its end|is no whole table") as caught:
            open_vocabulary(path).describe(pl.Series(["ICD10CM/E99.9"]))
        assert path.name in caught.value.where


def test_a_row_that_does_not_fit_its_header_is_refused(tmp_path):
    lines = ["code,title", "A000,Blue", "A001,Red", "S52501A,Twig", *["A002,Blue"] * 30_000, "A000,a,b,c"]
    vocabulary = open_vocabulary(make.write(tmp_path / "a.csv", lines))
    with pytest.raises(InputError, match="a row does not fit its header") as caught:
        vocabulary.describe(pl.Series(["ICD10CM/A00.0"]))
    assert "a.csv" in caught.value.where
