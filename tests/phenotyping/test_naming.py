"""Names of phenotypes: nothing that is not on the card gets through."""

import json

import pytest

from osler.phenotyping.naming import CardRow, name_by_model, name_by_rule, objection

ROWS = [
    CardRow(1, "Lactate", "over", True, "Lactate: mean 5.2 mmol/L (others 2.3)"),
    CardRow(2, "Blantyre motor: no response", "over", False, "Blantyre motor: no response: 92% (others 4%)"),
    CardRow(
        3,
        "Mid-upper arm circumference",
        "under",
        True,
        "Mid-upper arm circumference: mean 118 mm (others 140)",
    ),
]


def answering(name, sentence):
    asked = []

    def ask(system, user):
        asked.append((system, user))
        return f"Here it is: {json.dumps({'name': name, 'sentence': sentence})}"

    return ask, asked


def test_a_text_of_the_card_is_accepted_without_its_marks():
    ask, asked = answering(
        "Blantyre motor no response [2] and high lactate [1]",
        "Patients with no response in Blantyre motor, 92 % [2], high lactate, mean 5.2 mmol/L [1], and a low "
        "mid-upper arm circumference of 118 mm [3].",
    )
    named = name_by_model(ROWS, ask, model="m")
    assert named.refused is None
    assert named.by == "m"
    assert named.name == "Blantyre motor no response and high lactate"
    assert "[" not in named.sentence
    assert all(row.text in asked[0][1] for row in ROWS)


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("High lactate of 5.3 [1]", "the number 5.3"),
        ("Septic shock with high lactate [1]", "'septic'"),
        ("Low lactate [1]", "'low' says the opposite"),
        ("High mid-upper arm circumference [3]", "'high' says the opposite"),
        ("High lactate [9]", "no row 9"),
        ("High lactate", "no finding is marked"),
        ("High lactate [1] and malaria", "'malaria' stands after"),
        ("High lactate [1] in 30", "'30' stands after"),
        ("", "empty"),
        ("high lactate [1] " * 60, "characters"),
        ("High lactate of 118 [1]", "the number 118 is not on row 1"),
        ("Circumference [1]", "'circumference' is not on row 1"),
    ],
)
def test_what_is_not_on_the_card_is_refused_and_the_rule_names(sentence, reason):
    assert reason in objection(sentence, ROWS)
    ask, _ = answering("High lactate [1]", sentence)
    named = name_by_model(ROWS, ask, model="m")
    assert named.by == "rule"
    assert named.name == name_by_rule(ROWS).name
    assert reason in named.refused


@pytest.mark.parametrize(
    "answer", ["", "no json", "{}", '{"name": 1}', "[1, 2]", '{"name": 3, "sentence": "a"}']
)
def test_an_answer_of_another_form_is_refused(answer):
    named = name_by_model(ROWS, lambda system, user: answer, model="m")
    assert named.by == "rule"
    assert named.refused


def test_names_by_rule():
    assert name_by_rule(ROWS).name == (
        "high Lactate, Blantyre motor: no response, low Mid-upper arm circumference"
    )
    assert name_by_rule([]).name == "no finding sets it apart"
