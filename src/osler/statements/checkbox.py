"""Checkbox questions: their options, one event each, told as one statement."""

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.counting import Counter
from osler.statements.lines import Lines, position_lists
from osler.statements.moments import Moments
from osler.statements.packing import factor_text, order_by
from osler.statements.spec import Style
from osler.statements.spelling import Parts, no_texts, spell, with_empty
from osler.statements.view import View

NONE = "none"
UNCHECKED = "unchecked"


def folded_lines(
    view: View,
    book: Book,
    style: Style,
    counter: Counter,
    moments: Moments,
    picked: tuple[np.ndarray, np.ndarray],
) -> Lines:
    """One line per sample and question: the options checked, in the order of the code book, or `none`.

    Args:
        view: the visible events.
        book: the code book.
        style: the text style.
        counter: counts tokens.
        moments: ranks and dates of events.
        picked: sample and position of each option that a sample sees, one event per option.
    """
    sample, place = picked
    group = book.group[view.code[place]]
    order = order_by(sample, group, view.code[place])
    sample, place, group = sample[order], place[order], group[order]
    opens = np.append(True, (sample[1:] != sample[:-1]) | (group[1:] != group[:-1]))[: len(place)]
    heads = np.flatnonzero(opens)
    question = np.cumsum(opens) - 1
    by_rank = order_by(question, moments.rank[place])
    anchor = place[by_rank[heads]]

    checked = ~_unchecked(view, place)
    labels = book.description.gather(view.code[place[checked]])
    said = (
        pl.DataFrame({"question": question[checked], "label": labels})
        .group_by("question", maintain_order=True)
        .agg(pl.col("label").str.join(", "))
    )
    answers = pl.DataFrame({"question": np.arange(len(heads))}).join(
        said, on="question", how="left", maintain_order="left"
    )
    value, values = factor_text(answers["label"].fill_null(NONE))
    parts = Parts(
        name=group[heads],
        names=book.group_names,
        unit=np.full(len(heads), -1),
        units=no_texts(),
        value=value + 1,
        values=with_empty(values),
        **moments.dated(anchor, style),
    )
    statement, statements = spell(parts, style, counter)
    return Lines(
        sample=sample[heads],
        place=anchor,
        rank=moments.rank[anchor],
        section=book.section[view.code[anchor]],
        statement=statement,
        statements=statements,
        sources=position_lists(np.diff(np.append(heads, len(place))), place),
    )


def _unchecked(view: View, places: np.ndarray) -> np.ndarray:
    text = view.column("text_value", places)
    word = (text.str.strip_chars().str.to_lowercase() == UNCHECKED).fill_null(value=False)
    zero = text.is_null() & (view.column("numeric_value", places) == 0).fill_null(value=False)
    return (word | zero).to_numpy().copy()
