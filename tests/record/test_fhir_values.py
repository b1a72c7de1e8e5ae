"""Values of FHIR: codes, times, words, text of attachments, and whatever stands where it should not."""

import calendar
import json
from collections import Counter
from datetime import date

import pytest
from fhir_record import full_record
from fhir_support import (
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    attachment,
    document,
    flat,
    observation,
    only,
    patient,
    table,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.sources.fhir.attachments import decode
from osler.record.sources.fhir.blocks import Block, Piece
from osler.record.sources.fhir.codings import VOCABULARIES, concept, concepts
from osler.record.sources.fhir.json_values import child, children, flag, number, text, texts
from osler.record.sources.fhir.plain_text import html_to_text
from osler.record.sources.fhir.stage import rows_of
from osler.record.sources.fhir.tables import TABLE_OF
from osler.record.sources.fhir.times import first_moment, moment, span
from osler.record.sources.fhir.words import quantity, range_words, ratio_words, spoken_time, timing_words

ICD10_OID = "2.16.840.1.113883.6.90"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=3), inside, max_size=3),
    max_leaves=4,
)


def test_values_of_the_wrong_type_are_counted():
    reasons = Counter()
    node = {
        "o": "text",
        "l": {"a": 1},
        "m": [1, {"a": 1}, None],
        "t": {},
        "n": "high",
        "b": "yes",
        "s": "one",
    }
    assert child(node, "o", reasons) == {}
    assert children(node, "l", reasons) == [{"a": 1}]
    assert children(node, "m", reasons) == [{"a": 1}]
    assert text(node, "t", reasons) is None
    assert number(node, "n", reasons) is None
    assert flag(node, "b", reasons) is None
    assert texts(node, "s", reasons) == ["one"]
    assert reasons == {f"wrong type: {name}": 1 for name in node}


def test_nulls_in_lists_and_absent_fields_are_no_errors():
    reasons = Counter()
    assert children({"l": [None, {"a": 1}]}, "l", reasons) == [{"a": 1}]
    assert texts({"l": [None, "a"]}, "l", reasons) == ["a"]
    assert (child({}, "x", reasons), children({}, "x", reasons), text({}, "x", reasons)) == ({}, [], None)
    assert not reasons


@pytest.mark.parametrize("written", [True, [1], "1_000", "nan", "inf", "", "1e999", float("inf"), 10**400])
def test_what_is_no_number(written):
    assert number({"value": written}, "value", Counter()) is None


@pytest.mark.parametrize(
    ("systems", "best"),
    [
        (["urn:x", ICD10, SNOMED], SNOMED),
        ([SNOMED, RXNORM], RXNORM),
        ([SNOMED, LOINC], LOINC),
        (["urn:oid:2.16.840.1.113883.6.12", f"urn:oid:{ICD10_OID}"], f"urn:oid:{ICD10_OID}"),
        (["urn:x", "http://terminology.hl7.org/CodeSystem/x"], "http://terminology.hl7.org/CodeSystem/x"),
        (["http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "urn:x"], "urn:x"),
        (["urn:a", "urn:b"], "urn:a"),
        ([None, "urn:b"], None),
    ],
)  # fmt: skip
def test_the_best_of_several_codes(systems, best):
    codings = [{"system": system, "code": f"c{place}"} for place, system in enumerate(systems)]
    found = concept({"code": {"coding": codings}}, "code", Counter())
    assert found.system == best
    assert len(found.other_codes.split(",")) == len(systems) - 1


def test_the_order_of_codes_matters_only_between_equals():
    systems = [f"http://{names[0]}" for names in VOCABULARIES.values()]
    codings = [{"system": system, "code": "1"} for system in systems]
    for turned in (codings, codings[::-1], codings[3:] + codings[:3]):
        assert concept({"code": {"coding": turned}}, "code", Counter()).system == systems[0]


def test_a_code_that_a_person_chose_and_one_without_a_code():
    codings = [
        {"system": "urn:b", "display": "no code"},
        {"system": "urn:a", "code": "1"},
        {"system": "urn:a", "code": "2|,\\", "userSelected": True},
        {"system": "urn:a", "code": "2|,\\"},
    ]
    found = concepts({"type": [{"text": "said"}, {"coding": codings}]}, "type", Counter())
    assert (found.code, found.text, found.other_codes) == ("2|,\\", "said", "urn:a|1")
    assert concept({"code": {"coding": codings[1:]}}, "code", Counter()).other_codes == "urn:a|1"
    escaped = concept({"code": {"coding": [{"system": LOINC, "code": "1"}, codings[2]]}}, "code", Counter())
    assert escaped.other_codes == "urn:a|2\\|\\,\\\\"


def test_a_concept_without_a_code():
    found = concept({"code": {"text": "Fever"}}, "code", Counter())
    assert (found.code, found.text, found.short) == (None, "Fever", ("Fever", "Fever"))
    assert concept({}, "code", Counter()).short == (None, None)


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_partial_dates_mean_their_last_day_and_births_their_first(day):
    month = f"{day.year:04}-{day.month:02}"
    node = {"year": f"{day.year:04}", "month": month, "day": day.isoformat()}
    last = calendar.monthrange(day.year, day.month)[1]
    reasons = Counter()
    assert [moment(node, name, reasons) for name in node] == [
        f"{day.year:04}-12-31",
        f"{month}-{last:02}",
        node["day"],
    ]
    assert [first_moment(node, name, reasons) for name in node] == [
        f"{day.year:04}-01-01",
        f"{month}-01",
        node["day"],
    ]
    assert not reasons


@pytest.mark.parametrize(
    "written",
    [
        "2011-02-03T04:05:06Z",
        "2011-02-03T04:05",
        "2011-02-03T04:05:06.123456+02:00",
        "2011-02-03T04:05:06-05:30",
    ],
)
def test_times_stay_as_they_are_written(written):
    reasons = Counter()
    assert moment({"at": f" {written} "}, "at", reasons) == written
    assert not reasons


@pytest.mark.parametrize(
    "written", ["2011-13", "11", "20110305", "0000", "yesterday", "3.5.2011", "2011-1-5"]
)
def test_what_is_no_time_is_kept_and_counted(written):
    reasons = Counter()
    assert moment({"at": written}, "at", reasons) == written
    assert reasons == {"not a time: at": 1}


def test_moments_periods_and_plans():
    plan = {
        "event": ["2019-03-02", "2019-03-01"],
        "repeat": {"boundsPeriod": {"start": "2019", "end": "2020"}},
    }
    for node, expected in (
        ({"atDateTime": "2019", "atPeriod": {"start": "2018"}}, ("2019-12-31", None)),
        ({"atPeriod": {"end": "2018-02"}}, (None, "2018-02-28")),
        ({"atInstant": "2019-01-01T00:00:00Z"}, ("2019-01-01T00:00:00Z", None)),
        ({"atTiming": plan}, ("2019-12-31", "2020-12-31")),
        ({"atTiming": {"event": plan["event"]}}, ("2019-03-01", "2019-03-02")),
        ({"atTiming": {"event": ["2019"]}}, ("2019-12-31", None)),
        ({"atTiming": {}}, (None, None)),
        ({}, (None, None)),
    ):
        assert span(node, "at", Counter()) == expected


@pytest.mark.parametrize(
    ("repeat", "words"),
    [
        ({"frequency": 1, "period": 1, "periodUnit": "d"}, "once per day"),
        ({"frequency": 3, "period": 1, "periodUnit": "d"}, "3 times per day"),
        ({"frequency": 1, "frequencyMax": 2, "period": 1, "periodUnit": "d"}, "1 to 2 times per day"),
        ({"frequency": 2, "period": 3, "periodUnit": "wk"}, "2 times every 3 weeks"),
        ({"period": 4, "periodMax": 6, "periodUnit": "h"}, "every 4 to 6 hours"),
        (
            {"period": 1, "periodUnit": "d", "when": ["MORN", "ACV"]},
            "once per day in the morning before dinner",
        ),
        ({"dayOfWeek": ["mon", "fri"], "timeOfDay": ["08:00:00"]}, "on mon, fri at 08:00:00"),
        ({"count": 3}, None),
    ],
)
def test_how_often_a_drug_is_taken(repeat, words):
    assert timing_words({"repeat": repeat}, Counter()) == words


def test_a_plan_that_says_itself_how_often():
    assert (
        timing_words({"code": {"text": "BID"}, "repeat": {"period": 1, "periodUnit": "d"}}, Counter())
        == "BID"
    )
    assert timing_words({}, Counter()) is None


def test_quantities_in_words():
    low, high = {"value": 2, "unit": "mg"}, {"value": 2.5, "unit": "g"}
    assert range_words({"low": low, "high": high}, Counter()) == "2 mg to 2.5 g"
    assert range_words({"high": high}, Counter()) == "at most 2.5 g"
    assert range_words({}, Counter()) is None
    assert ratio_words({"numerator": low}, Counter()) == "2 mg"
    assert ratio_words({}, Counter()) is None
    assert spoken_time({"onsetAge": {"value": 3, "unit": "furlongs"}}, "onset", Counter()) == "3 furlongs"
    assert spoken_time({"onsetRange": {"low": low}}, "onset", Counter()) == "at least 2 mg"
    assert (
        str(quantity({"q": {"value": 113.5496896762535, "code": "cm"}}, "q", Counter()))
        == "113.5496896762535 cm"
    )


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("one<br/>two<br><br>three", "one\ntwo\n\nthree"),
        ("<ul><li>a</li>\n <li>b</li></ul>", "a\nb"),
        ("<table><tr><td>Na</td><td>140</td></tr><tr><td></td><td>4</td></tr></table>", "Na\t140\n\t4"),
        ("a &amp; b &lt; &eacute;&#8364;&nbsp;5 < 6", "a & b < é€ 5 < 6"),
        ("<head><title>no</title><style>p{}</style></head><body>yes<script>if(a<b){}</script></body>", "yes"),
        ("<head><title>no<body>yes", "yes"),
        ('<script src="x"/>shown', "shown"),
        ("<pre>a  b\n c</pre>", "a b\nc"),
        ("<b>bo</b>ld <!-- hidden --><i>it</i>", "bold it"),
        ("", ""),
    ],
)
def test_html_as_plain_text(html, plain):
    assert html_to_text(html) == plain


@given(
    st.text(
        st.characters(exclude_characters="<>&", exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]),
        max_size=30,
    )
)
def test_text_without_marks_is_its_own_plain_text(words):
    assert html_to_text(words) == words


@given(st.text(max_size=200))
def test_any_html_can_be_read(html):
    assert isinstance(html_to_text(html), str)


@pytest.mark.parametrize(
    ("data", "content_type", "expected"),
    [
        ("caf\u00e9".encode(), "text/plain", "café"),
        ("caf\u00e9".encode("latin-1"), "text/plain; charset=ISO-8859-1", "café"),
        ("caf\u00e9".encode("utf-16"), 'text/plain;charset="utf-16"', "café"),
        (b"\xef\xbb\xbfa\r\nb", "text/plain", "a\nb"),
        (b"<p>a</p>", "TEXT/HTML", "a"),
        (b'<meta charset="latin-1"><p>\xe9</p>', "text/html", "é"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><p>\xe9</p>', "application/xhtml+xml", "é"),
        (b"# Plan", "text/markdown", "# Plan"),
    ],
)
def test_text_of_attachments(tmp_path, data, content_type, expected):
    row = only(flat(tmp_path, patient(), document(attachment(data, content_type))), "documentreference")
    assert (row["content"], row["content_problem"]) == (expected, None)


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        (attachment(b"x", "application/pdf"), "attachment of type application/pdf"),
        (attachment(b"x", None), "attachment without a content type"),
        (attachment(None, url="https://a.org/note.txt"), "attachment by address only"),
        (attachment(None, url="Binary/none"), "attachment by address only"),
        (attachment(None), "attachment by address only"),
        ({"contentType": "text/plain", "data": "not base64!"}, "attachment that is not valid base64"),
        ({"contentType": "text/plain", "data": "YQ"}, "attachment that is not valid base64"),
        (attachment(b"caf\xe9", "text/plain"), "attachment that is not in its character set"),
        (attachment(b"x", "text/plain; charset=none-such"), "attachment that is not in its character set"),
        (attachment(b" \n", "text/plain"), "attachment without text"),
        (attachment(b"<p></p>", "text/html"), "attachment without text"),
    ],
)
def test_attachments_without_text_are_counted(tmp_path, one, problem):
    found = flat(tmp_path, patient(), document(one), observation())
    row = only(found, "documentreference")
    assert (row["content"], row["content_problem"], row["attachments"]) == (None, problem, 1)
    assert found.problems["documentreference"]["content_problem"] == {problem: 1}
    assert table(found, "observation").height == 1  # the rest is read


def test_several_attachments_are_one_document(tmp_path):
    plain, html, pdf = (
        attachment(b"plain"),
        attachment(b"<p>html</p>", "text/html"),
        attachment(b"x", "application/pdf"),
    )
    for attachments, content, problem, reasons in (
        ((pdf, html, plain), "plain", None, {"attachment beside one that was read": 1}),
        ((html, pdf), "html", None, {}),
        ((plain, attachment(b"more"), plain), "plain\n\nmore", None, {}),
        (
            (pdf, attachment(None)),
            None,
            "attachment of type application/pdf",
            {"attachment by address only": 1},
        ),
        ((), None, "no attachment", {}),
    ):
        found = flat(tmp_path, patient(), document(*attachments))
        row = only(found, "documentreference")
        assert (row["content"], row["content_problem"]) == (content, problem)
        seen = dict(found.resources["DocumentReference"].reasons)
        if pdf in attachments:
            assert seen.pop("attachment of type application/pdf") == 1
        assert seen == reasons


def test_base64_may_be_folded():
    assert decode("YWJj\r\n ZGVm", "text/plain", None) == ("abcdef", None)


def _places(node, path=()):
    """The path of every value inside a value."""
    inside = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from _places(value, (*path, key))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_value_in_the_wrong_place_stops_the_reading(data):
    one = json.loads(json.dumps(data.draw(st.sampled_from(full_record()))))
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path for path in _places(one) if path != ("resourceType",)]
        *path, key = data.draw(st.sampled_from(places))
        node = one
        for step in path:
            node = node[step]
        node[key] = data.draw(JSON)
    piece = Piece(0, "one.ndjson", json.dumps(one).encode(), is_lines=True)
    try:
        rows = rows_of(Block((piece,)))
    except InputError as error:
        # Two things are refused: a patient whom nobody can name, and another release.
        if error.what == "a Patient without an id" or error.what.startswith("not FHIR R4"):
            return
        raise
    name = TABLE_OF[one["resourceType"]]
    assert rows.tables[name].num_rows >= 1
    assert rows.read == {one["resourceType"]: 1}
