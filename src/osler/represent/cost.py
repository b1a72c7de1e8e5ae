"""What an encoding will cost, said before it begins."""

from typing import TYPE_CHECKING

import polars as pl

from osler.base.progress import note
from osler.models.check import tokens_per_second

if TYPE_CHECKING:
    from osler.models.encoder import Encoder
    from osler.statements.read import Texts


def announce(texts: "Texts", encoder: "Encoder", *, unit: str) -> int:
    """One line on standard error: how many texts, how many of them distinct, tokens, about how long.

    Tokens are those of the texts' own tokenizer; the speed is that of warm batches of full windows. What
    the cache holds makes it faster.

    Args:
        texts: the texts.
        encoder: the encoder.
        unit: `document` or `statement`.

    Returns:
        Number of tokens of the distinct texts.
    """
    if unit == "document":
        every = texts.texts().select(key=pl.col("text").hash(), n_tokens="n_tokens")
    else:
        every = texts.statements().select(key="statement_id", n_tokens="n_tokens")
    n_texts = every.select(pl.len()).collect(engine="streaming").item()
    distinct = every.unique("key").select(n=pl.len(), tokens=pl.col("n_tokens").cast(pl.Int64).sum())
    n_distinct, n_tokens = distinct.collect(engine="streaming").row(0)
    special = encoder.tokenizer.context - encoder.tokenizer.room
    in_all = n_tokens + special * (n_tokens // encoder.tokenizer.room if unit == "document" else n_distinct)
    seconds = in_all / tokens_per_second(encoder)
    note(
        f"encode: {n_texts:,} {unit}s, {n_distinct:,} distinct, {n_tokens:,} tokens: "
        f"about {seconds:,.0f} s with {encoder.facts.name} ({encoder.dtype}, {encoder.threads} at a time)"
    )
    return int(n_tokens)
