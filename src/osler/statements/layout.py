"""Order and budget: which lines a text shows, in which order, and how many tokens that makes."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.counting import Counter
from osler.statements.glue import GlueTexts, glue_texts
from osler.statements.lines import Lines
from osler.statements.moments import FIRST_RANK
from osler.statements.packing import order_by
from osler.statements.pieces import put_together
from osler.statements.spec import Style
from osler.statements.view import View


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


def lay_out(view: View, lines: Lines, book: Book, style: Style, counter: Counter, *, budget: int) -> Layout:
    """Order the lines of each sample and drop the oldest until the budget holds.

    Lines to keep come first, then the newest; each line costs its tokens, and the first of a section also
    those of its heading. What fits is a run from the start, so headings go with their last statement.

    Args:
        view: the visible events and the samples.
        lines: all lines of a shard.
        book: the code book.
        style: the text style.
        counter: counts tokens.
        budget: tokens that a text may have.

    Returns:
        The lines shown and their token counts.
    """
    glue = glue_texts(style, book)
    n_samples = view.samples.height
    order = order_by(lines.sample, lines.rank)
    sample = lines.sample[order]
    n_lines = np.bincount(sample, minlength=n_samples)
    cost, base = _costs(lines, order, book, style, glue, counter)
    keep = np.array([name in style.keep for name in book.sections])[lines.section[order]]
    allowed = np.full(n_samples, budget)
    while True:
        kept, n_tokens = _within(allowed, n_lines, cost, base, keep)
        n_kept = np.bincount(sample[kept], minlength=n_samples)
        n_tokens[n_kept == 0] = counter.count(pl.Series([glue.empty]))[0]
        shown, block = _in_text_order(view, lines, book, style, order[kept])
        if counter.adds_up:
            break
        # Counts that do not add up only guide: the whole text is counted, and shortened while it is over.
        pieces = put_together(
            lines.sample[shown], block, lines.statement[shown], lines.statements.texts, glue, n_samples
        )
        exact = counter.count_whole(pl.Series(pieces.text))
        droppable = n_kept > np.bincount(sample[keep], minlength=n_samples)
        over = (exact > budget) & droppable
        if not over.any():
            n_tokens = exact
            break
        # At least the last line goes: the estimate allowed must fall below what was estimated for this text.
        allowed = np.where(over, np.minimum(n_tokens - 1, allowed - (exact - budget)), allowed)
    return Layout(
        lines=shown,
        block=block,
        n_tokens=n_tokens.astype(np.int32),
        n_dropped=(n_lines - n_kept).astype(np.int32),
    )


def _within(
    allowed: np.ndarray, n_lines: np.ndarray, cost: np.ndarray, base: int, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which lines fit, bool [n_lines], and the tokens of each sample's text, int64 [n_samples]."""
    total = np.cumsum(cost)
    starts = np.cumsum(n_lines) - n_lines
    offset = base - np.append(0, total)[starts]
    running = total + np.repeat(offset, n_lines)
    kept = (running <= np.repeat(allowed, n_lines)) | keep
    after = np.append(0, np.cumsum(kept))
    n_kept = after[starts + n_lines] - after[starts]
    last = np.append(running, 0)[starts + n_kept - 1]
    return kept, np.where(n_kept > 0, last, 0)


def _in_text_order(
    view: View, lines: Lines, book: Book, style: Style, shown: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if not style.sections:
        return shown, np.zeros(len(shown), dtype=np.int32)
    section = lines.section[shown]
    keys = [lines.sample[shown], book.block[section]]
    if style.order == "code":
        code = view.code[lines.place[shown]]
        keys.append(np.where(section < FIRST_RANK, lines.rank[shown], code + FIRST_RANK))
    shown = shown[order_by(*keys)]
    return shown, book.block[lines.section[shown]]


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
