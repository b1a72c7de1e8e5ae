"""Order and budget: which lines a text shows, in which order, and how many tokens that makes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.counting import Counter
from osler.statements.lines import Lines
from osler.statements.packing import order_by
from osler.statements.spec import Style


@dataclass(frozen=True)
class GlueTexts:
    """The fixed texts of a style with the headings of a code book filled in.

    Attributes:
        first: [n_blocks] before the first statement of a text, by its block.
        change: [n_blocks] between the last statement of a block and the first of another, by the latter.
        between: between two statements of one block.
        end: after the last statement.
        empty: the text without statements.
    """

    first: tuple[str, ...]
    change: tuple[str, ...]
    between: str
    end: str
    empty: str

    @property
    def texts(self) -> list[str]:
        """All of them: first, change, between, end, empty."""
        return [*self.first, *self.change, self.between, self.end, self.empty]


@dataclass(frozen=True)
class Layout:
    """Lines chosen and in the order of the text.

    Attributes:
        lines: int64 [n_kept] which lines, by sample and place in the text.
        block: [n_kept] number of the heading that each stands under.
        n_tokens: int32 [n_samples], exact where counts add up, else an estimate.
        n_dropped: int32 [n_samples] lines that the budget left out.
    """

    lines: np.ndarray
    block: np.ndarray
    n_tokens: np.ndarray
    n_dropped: np.ndarray


def glue_texts(style: Style, book: Book) -> GlueTexts:
    """The glue of a style for the headings of a code book; one block without heading for plain lists."""
    glue = style.glue
    headings = book.headings if style.sections else ("",)
    opened = [glue.section_open.replace("{heading}", heading) for heading in headings]
    return GlueTexts(
        first=tuple(glue.open + text for text in opened),
        change=tuple(glue.section_close + glue.section_join + text for text in opened),
        between=glue.between,
        end=glue.section_close + glue.close,
        empty=glue.empty,
    )


def lay_out(
    lines: Lines,
    book: Book,
    style: Style,
    counter: Counter,
    *,
    n_samples: int,
    code: np.ndarray,
    allowed: np.ndarray,
) -> Layout:
    """Order the lines of each sample and drop the oldest until the budget holds.

    Lines to keep come first, then the newest; each line costs its tokens, and the first of a section also
    those of its heading. What fits is a run from the start, so headings go with their last statement.

    Args:
        lines: all lines of a shard.
        book: the code book.
        style: the text style.
        counter: counts tokens.
        n_samples: number of samples.
        code: [n_lines] position of each line's code in the code book.
        allowed: int64 [n_samples] tokens that each text may have.

    Returns:
        The lines shown and their token counts.
    """
    glue = glue_texts(style, book)
    order = order_by(lines.sample, lines.rank)
    sample = lines.sample[order]
    n_lines = np.bincount(sample, minlength=n_samples)
    starts = np.cumsum(n_lines) - n_lines
    cost, base = _costs(lines, order, book, style, glue, counter)
    total = np.cumsum(cost)
    before = np.append(0, total)[starts]
    running = total - np.repeat(before, n_lines) + base

    keep_sections = np.isin(np.arange(len(book.sections)), [book.sections.index(name) for name in style.keep])
    kept = (running <= np.repeat(allowed, n_lines)) | keep_sections[lines.section[order]]
    n_kept = np.bincount(sample[kept], minlength=n_samples)
    last = starts + n_kept - 1
    n_tokens = np.where(n_kept > 0, np.append(running, 0)[last], counter.count(pl.Series([glue.empty]))[0])

    shown = order[kept]
    block = np.zeros(len(shown), dtype=np.int32)
    if style.sections:
        block = book.block[lines.section[shown]]
        keys = [lines.sample[shown], block]
        if style.order == "code":
            is_person = lines.section[shown] < 2
            keys.append(np.where(is_person, lines.rank[shown], code[shown] + 2))
        again = order_by(*keys)
        shown, block = shown[again], block[again]
    return Layout(
        lines=shown,
        block=block,
        n_tokens=n_tokens.astype(np.int32),
        n_dropped=(n_lines - n_kept).astype(np.int32),
    )


def _costs(
    lines: Lines, order: np.ndarray, book: Book, style: Style, glue: GlueTexts, counter: Counter
) -> tuple[np.ndarray, int]:
    """Tokens that each line adds to a text that ends before it, and those of a text without lines."""
    statement = lines.statement[order]
    cost = lines.statements.tokens[statement].astype(np.int64)
    tokens = dict(zip(glue.texts, counter.count(pl.Series(glue.texts)).tolist(), strict=True))
    # What touches the statement before it is counted together with it: "," in JSON.
    attached = "" if glue.between[:1].isspace() else glue.between.split(None, 1)[0]
    loose = int(counter.count(pl.Series([glue.between[len(attached) :]]))[0])
    if not style.sections:
        return cost + loose, tokens[glue.first[0]] + tokens[glue.end] - loose

    block = book.block[lines.section[order]]
    grouped = order_by(lines.sample[order], block)
    sample, block_of = lines.sample[order][grouped], block[grouped]
    opens = np.append(True, (sample[1:] != sample[:-1]) | (block_of[1:] != block_of[:-1]))[: len(grouped)]
    change = np.array([tokens[text] for text in glue.change])
    extra = np.where(opens, change[block_of], loose)
    if attached:
        texts = lines.statements.texts
        joint = counter.count(texts + attached) - lines.statements.tokens
        extra[1:] += np.where(opens[1:], 0, joint[statement[grouped]][:-1])
    cost[grouped] += extra
    return cost, tokens[glue.first[0]] - tokens[glue.change[0]] + tokens[glue.end]
