"""Notes as statements: each sentence one, or the whole note one."""

from typing import Literal

import numpy as np
import polars as pl

from osler.statements.book import Book, one_line
from osler.statements.counting import Counter
from osler.statements.lines import Lines
from osler.statements.moments import Moments
from osler.statements.packing import factor_text, ragged
from osler.statements.sentences import split_sentences
from osler.statements.spec import Style
from osler.statements.spelling import Parts, no_texts, spell, with_empty
from osler.statements.view import View


def note_lines(
    view: View,
    book: Book,
    style: Style,
    counter: Counter,
    moments: Moments,
    seen: tuple[np.ndarray, np.ndarray],
    how: Literal["sentences", "whole"],
) -> Lines:
    """Lines of the notes that each sample sees, sentences in reading order.

    Args:
        view: the visible events.
        book: the code book.
        style: the text style.
        counter: counts tokens.
        moments: ranks and dates of events.
        seen: sample and position of each note that a sample sees.
        how: one statement per sentence, or per note.
    """
    sample, place = seen
    places = np.unique(place)
    counts, spans, said = _cut(view.column("text_value", places), how)
    first = np.cumsum(counts) - counts
    note = np.searchsorted(places, place)
    line, nth = ragged(counts[note])
    piece = first[note[line]] + nth
    anchor = place[line]
    parts = _parts(style, book, view.code[anchor], piece, said, moments, anchor)
    statement, statements = spell(parts, style, counter)
    return Lines(
        sample=sample[line],
        place=anchor,
        rank=moments.rank[anchor],
        section=book.section[view.code[anchor]],
        statement=statement,
        statements=statements,
        spans=spans[piece],
    )


def _cut(notes: pl.Series, how: Literal["sentences", "whole"]) -> tuple[np.ndarray, np.ndarray, pl.Series]:
    """Statements per note, their places in it [n, 2], and their texts."""
    counts, spans, texts = [], [], []
    for note in notes.fill_null("").to_list():
        found = split_sentences(note)
        if how == "whole" and found:
            found = [(found[0][0], found[-1][1])]
        counts.append(len(found))
        spans += found
        texts += [note[start:end] for start, end in found]
    said = pl.Series(texts, dtype=pl.String)
    places = np.array(spans, dtype=np.int64).reshape(len(spans), 2)
    return np.array(counts, dtype=np.int64), places, said if how == "whole" else one_line(said)


def _parts(
    style: Style,
    book: Book,
    code: np.ndarray,
    piece: np.ndarray,
    said: pl.Series,
    moments: Moments,
    anchor: np.ndarray,
) -> Parts:
    """A sentence stands alone in plain text; in JSON it is the value under the note's name."""
    ids, texts = factor_text(said)
    nothing = np.zeros(len(piece), dtype=np.int32)
    named = style.language == "json"
    return Parts(
        name=code if named else ids[piece],
        names=book.description if named else texts,
        unit=nothing - 1,
        units=no_texts(),
        value=ids[piece] + 1 if named else nothing,
        values=with_empty(texts if named else no_texts()),
        **moments.dated(anchor, style),
    )
