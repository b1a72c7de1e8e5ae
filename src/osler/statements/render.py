"""The heart: events of a shard and samples in, texts, statements and lines out. Pure, without a loop over events."""

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.statements.assemble import ShardTexts, tables
from osler.statements.book import Book, open_book
from osler.statements.counting import Counter, Tokenizer
from osler.statements.layout import glue_texts, lay_out
from osler.statements.lines import Lines, joined
from osler.statements.packing import order_by
from osler.statements.person import person_lines
from osler.statements.pick import chains, pick
from osler.statements.settings import TextSettings
from osler.statements.spec import Style
from osler.statements.spelling import Parts, spell
from osler.statements.styles import style as style_of
from osler.statements.values import unit_ids, value_ids
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
        events: as `Dataset.read` gives them: canonical order, with `row`; `numeric_value, text_value, unit` used.
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
    wanted = _shown_codes(book, style, drop)[view.code]
    parts = person_lines(view, book, style, counter, drop=drop)
    parts.append(_event_lines(view, book, style, counter, wanted))
    lines = joined(parts)
    allowed = np.full(view.samples.height, settings.budget)
    layout = lay_out(
        lines,
        book,
        style,
        counter,
        n_samples=view.samples.height,
        code=_code_of(view, lines),
        allowed=allowed,
    )
    return tables(view, book, lines, layout, glue_texts(style, book))


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


def _shown_codes(book: Book, style: Style, drop: frozenset[str]) -> np.ndarray:
    left_out = np.isin(
        np.arange(len(book.sections)), [i for i, name in enumerate(book.sections) if name in drop]
    )
    hidden = book.is_birth | book.is_sex | book.is_note | book.is_identifier | left_out[book.section]
    return ~hidden & style.events


def _code_of(view: View, lines: Lines) -> np.ndarray:
    return view.code[lines.place]


def _event_lines(view: View, book: Book, style: Style, counter: Counter, wanted: np.ndarray) -> Lines:
    sample, place = pick(view, wanted, style.pick, chains(view, wanted))
    shown = np.zeros(view.size, dtype=bool)
    shown[place] = True
    places = np.flatnonzero(shown)
    code = view.code[places]
    unit, units = unit_ids(view, places, book)
    value, values = value_ids(view, places, book)
    parts = Parts(name=code, names=book.description, unit=unit, units=units, value=value, values=values)
    statement, statements = spell(parts, style, counter)
    index = np.empty(view.size, dtype=np.int32)
    index[places] = np.arange(len(places))
    line = index[place]
    return Lines(
        sample=sample,
        place=place,
        rank=_ranks(view, places)[line],
        section=book.section[code][line],
        statement=statement[line],
        statements=statements,
    )


def _ranks(view: View, places: np.ndarray) -> np.ndarray:
    """[n] place of events in the order of lists: within a subject newest first, then as in the code book."""
    if len(places) == 0:
        return np.empty(0, dtype=np.int64)
    new = np.append(True, (view.time[1:] != view.time[:-1]) | (view.subject[1:] != view.subject[:-1]))
    moment = np.cumsum(new)[places]
    order = order_by(view.subject[places], int(moment[-1]) - moment, view.code[places])
    ranks = np.empty(len(places), dtype=np.int64)
    ranks[order] = np.arange(2, len(places) + 2)
    return ranks
