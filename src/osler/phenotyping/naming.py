"""Names of phenotypes: from the card by rule, or by a language model that is believed only against the card.

A model is asked to write a name and a sentence in which every finding is followed by the number of its row
on the card in brackets. What it wrote is accepted when, in the words before each bracket, every number and
every word that is no plain connecting word stands on that row, and no word says the opposite direction.
Everything else is refused with the reason, and the name by rule stays (METHODS 41).
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from osler.base.yaml_file import read_yaml

Direction = Literal["over", "under"]

# Findings that a name by rule has.
_NAMED = 3
_LONGEST_NAME, _LONGEST_SENTENCE = 80, 600
_WORDS = Path(__file__).with_name("naming_words.yaml")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_MARK = re.compile(r"\[(\d+)\]")

PROMPT = (
    "You are given the card of a group of patients: numbered rows, each a finding with its value in the "
    "group and in the others. Write a short name of the group (at most eight words) and one sentence about "
    "it. Use only findings of the card, only words and numbers of its rows, and put the number of the row in "
    "square brackets right after each finding, in the name too. Answer with JSON: "
    '{"name": "...", "sentence": "..."}.'
)


@dataclass(frozen=True)
class CardRow:
    """One finding on a card.

    Attributes:
        number: its number on the card, from 1.
        label: what the variable (and its level) is called.
        direction: whether the cluster has more of it than the others (`over`) or less (`under`).
        numeric: whether it is a number that is high or low, else something that is there or not.
        text: the row as it is shown, with the values in the cluster and in the others.
    """

    number: int
    label: str
    direction: Direction
    numeric: bool
    text: str


@dataclass(frozen=True)
class Name:
    """What a phenotype is called.

    Attributes:
        name: a few words.
        sentence: one sentence; empty where the name is by rule.
        by: `rule`, or the name of the model.
        refused: why what a model wrote was not accepted; None where it was, or none was asked.
    """

    name: str
    sentence: str
    by: str
    refused: str | None = None


def name_by_rule(rows: Sequence[CardRow]) -> Name:
    """A name from the first findings of a card.

    Examples:
        >>> rows = [CardRow(1, "Lactate", "over", True, ""), CardRow(2, "Coma", "over", False, ""),
        ...         CardRow(3, "Fever", "under", False, "")]
        >>> name_by_rule(rows).name
        'high Lactate, Coma, less Fever'
    """
    words = {
        (True, "over"): "high {}",
        (True, "under"): "low {}",
        (False, "over"): "{}",
        (False, "under"): "less {}",
    }
    parts = [words[row.numeric, row.direction].format(row.label) for row in rows[:_NAMED]]
    return Name(", ".join(parts) or "no finding sets it apart", "", "rule")


def name_by_model(rows: Sequence[CardRow], ask: Callable[[str, str], str], *, model: str) -> Name:
    """A name by a language model, or the name by rule where it wrote what is not on the card.

    Args:
        rows: the card.
        ask: gives the answer of the model to a system message and a user's message.
        model: what the model is called.
    """
    fallback = name_by_rule(rows)
    card = "\n".join(f"[{row.number}] {row.text}" for row in rows)
    try:
        answer = json.loads(_object(ask(PROMPT, card)))
        name, sentence = answer["name"], answer["sentence"]
    except (ValueError, KeyError, TypeError):
        return Name(fallback.name, "", "rule", "the answer is not the JSON that was asked for")
    for text, longest in ((name, _LONGEST_NAME), (sentence, _LONGEST_SENTENCE)):
        reason = objection(text, rows, longest=longest)
        if reason is not None:
            return Name(fallback.name, "", "rule", reason)
    return Name(_without_marks(name), _without_marks(sentence), model)


def objection(text: object, rows: Sequence[CardRow], *, longest: int = _LONGEST_SENTENCE) -> str | None:
    """Why a text is not accepted against a card; None where everything in it is on the card.

    Examples:
        >>> rows = [CardRow(1, "Lactate", "over", True, "Lactate: mean 5.2 mmol/L (others 2.3)")]
        >>> objection("Patients with high lactate, 5.2 on average [1].", rows) is None
        True
        >>> objection("Low lactate [1]", rows)
        "'low' says the opposite of row 1"
        >>> objection("High lactate of 6.1 [1]", rows)
        'the number 6.1 is not on row 1'
        >>> objection("Shock with high lactate [1]", rows)
        "'shock' is not on row 1"
    """
    if not isinstance(text, str) or not text.strip():
        return "a part of the answer is empty"
    if len(text) > longest:
        return f"a part of the answer has {len(text)} characters, more than {longest}"
    pieces = _MARK.split(text)
    if len(pieces) == 1:
        return "no finding is marked with its row"
    known = {row.number: row for row in rows}
    for said, mark in zip(pieces[:-1:2], pieces[1::2], strict=True):
        row = known.get(int(mark))
        if row is None:
            return f"there is no row {mark} on the card"
        reason = _against(said, row)
        if reason is not None:
            return reason
    for word in (*_WORD.findall(pieces[-1].lower()), *_NUMBER.findall(pieces[-1])):
        if word not in _words()["plain"]:
            return f"'{word}' stands after the last marked finding"
    return None


def _against(said: str, row: CardRow) -> str | None:
    there = set(_WORD.findall(f"{row.label} {row.text}".lower()))
    fits = _words()[row.direction] | _words()["plain"]
    opposite = _words()["under" if row.direction == "over" else "over"]
    for word in _WORD.findall(said.lower()):
        if word in opposite and word not in there:
            return f"'{word}' says the opposite of row {row.number}"
        if word not in there and word not in fits:
            return f"'{word}' is not on row {row.number}"
    numbers = set(_NUMBER.findall(f"{row.label} {row.text}"))
    for number in _NUMBER.findall(said):
        if number not in numbers:
            return f"the number {number} is not on row {row.number}"
    return None


@lru_cache(maxsize=1)
def _words() -> dict[str, frozenset[str]]:
    """Words that may stand beside those of a row, by what they say: `over`, `under` or `plain`."""
    return {kind: frozenset(words) for kind, words in read_yaml(_WORDS).items()}


def _object(answer: str) -> str:
    """The JSON object in an answer, which may have words around it."""
    start, end = answer.find("{"), answer.rfind("}")
    return answer[start : end + 1]


def _without_marks(text: str) -> str:
    return re.sub(r"\s+([,.;:])", r"\1", re.sub(r"\s*\[\d+\]", "", text)).strip()
