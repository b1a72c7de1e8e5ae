"""Events of a shard and samples in, texts, statements and lines out, without a loop over events."""

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.statements.assemble import ShardTexts, tables
from osler.statements.book import Book, open_book
from osler.statements.checkbox import folded_lines
from osler.statements.counting import Counter, Tokenizer
from osler.statements.glue import glue_texts
from osler.statements.layout import lay_out
from osler.statements.lines import Lines, joined
from osler.statements.moments import Moments, moments_of
from osler.statements.notes import note_lines
from osler.statements.person import person_lines, person_of
from osler.statements.pick import all_seen, pick
from osler.statements.series import Series, series_of
from osler.statements.settings import TextSettings
from osler.statements.spec import Style
from osler.statements.spelling import Parts, spell
from osler.statements.styles import style as style_of
from osler.statements.values import NO_VALUE, unit_ids, value_ids
from osler.statements.view import View, open_view


def render_shard(
    events: pl.DataFrame,
    codes: pl.DataFrame,
    samples: pl.DataFrame,
    settings: TextSettings,
    tokenizer: Tokenizer,
    *,
    undated: bool = False,
) -> ShardTexts:
    """Texts of samples from the events of one shard.

    Args:
        events: as `Dataset.read` gives them: canonical order, with `row, numeric_value, text_value, unit`.
        codes: the code book, as `Dataset.codes`.
        samples: `subject_id, prediction_time` of subjects of this shard, unique.
        settings: style, budget, look-back, sections.
        tokenizer: counts tokens.
        undated: whether times only order the events (`Dataset.undated`).

    Returns:
        The three tables; samples and lines sorted by subject, prediction time and place in the text.

    Raises:
        InputError: the style or look-back needs dates and there are none; unknown codes; repeated samples;
            numbers that are NaN or infinite.
    """
    return render(events, open_book(codes), samples, settings, Counter(tokenizer), undated=undated)


def render(
    events: pl.DataFrame,
    book: Book,
    samples: pl.DataFrame,
    settings: TextSettings,
    counter: Counter,
    *,
    undated: bool,
) -> ShardTexts:
    """As `render_shard`, with the code book and the counter that a job shares between shards."""
    style = check_settings(settings, book, undated=undated)
    drop = frozenset(settings.drop_sections)
    view = open_view(events, book, samples, lookback=settings.lookback)
    person = person_of(view, book)
    shown, notes = _shown_codes(book, style, settings, drop)
    sample, place = pick(view, book.is_any(shown, view.code), style.pick)
    option = book.is_any(book.group >= 0, view.code[place])
    seen_notes = all_seen(view, book.is_any(notes, view.code))
    on_page = np.zeros(view.size, dtype=bool)
    on_page[place] = True
    on_page[seen_notes[1]] = True
    moments = moments_of(view, on_page)

    parts = person_lines(view, person, style, counter, drop=drop)
    if option.any():
        parts.append(folded_lines(view, book, style, counter, moments, (sample[option], place[option])))
        sample, place = sample[~option], place[~option]
    if style.values > 1 or style.days_before_in:
        series = series_of(view, book, style, person, (sample, place), undated=undated)
        parts.append(_series_lines(view, book, style, counter, moments, (sample, place), series))
    else:
        parts.append(_event_lines(view, book, style, counter, moments, (sample, place)))
    how = settings.notes or style.notes
    if how is not None:  # also without notes here: every shard has the same columns
        parts.append(note_lines(view, book, style, counter, moments, seen_notes, how))
    lines = joined(parts)
    layout = lay_out(view, lines, book, style, counter, budget=settings.budget)
    return tables(view, book, lines, layout, glue_texts(style, book), counter.names)


def check_settings(settings: TextSettings, book: Book, *, undated: bool) -> Style:
    """The style of the settings, when the dataset can serve them.

    Args:
        settings: what is asked for.
        book: the code book.
        undated: whether times only order the events.

    Raises:
        InputError: dates are needed and there are none, or a section to drop does not exist.
    """
    style = style_of(settings.style)
    needs = {
        f"style '{style.name}' shows dates": style.dates,
        "a look-back in days needs dates": settings.lookback is not None,
    }
    for need, asked in needs.items():
        if undated and asked:
            raise InputError(
                f"{need}, but the times of this dataset only order its events",
                remedy="choose a style without dates and no look-back",
            )
    unknown = [name for name in settings.drop_sections if name not in book.sections]
    if unknown:
        raise InputError(
            f"no section '{unknown[0]}' to drop",
            where="drop_sections",
            count=len(unknown),
            allowed=book.sections,
            remedy="name sections of the code book",
        )
    return style


def _shown_codes(
    book: Book, style: Style, settings: TextSettings, drop: frozenset[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Codes shown as statements of their own, and codes of notes to show: bool [n_codes] each."""
    dropped = np.array([name in drop for name in book.sections])[book.section]
    allowed = ~(dropped | book.is_identifier)
    events = allowed & ~(book.is_birth | book.is_sex | book.is_note)
    with_notes = (settings.notes or style.notes) is not None
    return events & style.events, allowed & book.is_note & with_notes


def _event_lines(
    view: View,
    book: Book,
    style: Style,
    counter: Counter,
    moments: Moments,
    picked: tuple[np.ndarray, np.ndarray],
) -> Lines:
    """One line per event: what it says depends on the event alone, so it is spelled per event."""
    sample, place = picked
    places = np.flatnonzero(np.bincount(place, minlength=view.size))
    code = view.code[places]
    value, values, _ = value_ids(view, places, book)
    valued = value != NO_VALUE
    unit = np.full(len(places), -1, dtype=np.int32)
    unit[valued], units = unit_ids(view, places[valued], book)
    parts = Parts(
        name=code,
        names=book.description,
        unit=unit,
        units=units,
        value=value,
        values=values,
        **moments.dated(places, style),
    )
    said, statements = spell(parts, style, counter)
    statement = np.zeros(view.size, dtype=np.int32)
    statement[places] = said
    return Lines(
        sample=sample,
        place=place,
        rank=moments.rank[place],
        section=book.section[view.code[place]],
        statement=statement[place],
        statements=statements,
    )


def _series_lines(
    view: View,
    book: Book,
    style: Style,
    counter: Counter,
    moments: Moments,
    picked: tuple[np.ndarray, np.ndarray],
    series: Series,
) -> Lines:
    """One line per code with its last values, which depend on the sample."""
    sample, place = picked
    parts = Parts(
        name=view.code[place],
        names=book.description,
        unit=series.unit,
        units=series.units,
        value=series.value,
        values=series.values,
        **moments.dated(place, style),
    )
    statement, statements = spell(parts, style, counter)
    return Lines(
        sample=sample,
        place=place,
        rank=moments.rank[place],
        section=book.section[view.code[place]],
        statement=statement,
        statements=statements,
        sources=series.sources,
    )
