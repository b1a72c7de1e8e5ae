"""What an encoding will cost, said before it begins."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from osler.base.progress import note
from osler.models.check import tokens_per_second
from osler.models.servers.encoder import SERVER
from osler.represent.scratch import count_distinct

if TYPE_CHECKING:
    from osler.represent.engine import BatchEncoder
    from osler.statements.read import Texts

# Bytes of a row beside its vector: subject and time, or 32 hexadecimal digits.
_KEY_BYTES = {"document": 16, "statement": 32}


def announce(texts: "Texts", encoder: "BatchEncoder", *, unit: str, on_overflow: str = "window") -> int:
    """One line on standard error: texts, distinct texts, tokens, about how long, and bytes to be written.

    Tokens are those of the texts' own tokenizer; the speed is that of warm batches of full windows. What
    the cache holds makes it faster. Bytes are those before compression, which gains little on vectors.

    Args:
        texts: the texts.
        encoder: the encoder.
        unit: `document` or `statement`.
        on_overflow: with `truncate` a text has at most the tokens of one window.

    Returns:
        Number of tokens of the distinct texts.
    """
    room = encoder.tokenizer.room
    with tempfile.TemporaryDirectory(prefix="osler-encode-") as folder:
        n_texts, n_distinct, n_tokens = count_distinct(
            texts, unit=unit, most=room if on_overflow == "truncate" else None, folder=Path(folder)
        )
    special = encoder.tokenizer.context - room
    in_all = n_tokens + special * (n_tokens // room if unit == "document" else n_distinct)
    # Asking a server how fast it is would be work for it.
    of_server = encoder.facts.architecture == SERVER
    same = texts.info["tokenizer_hash"] == encoder.tokenizer.hash
    counted = "tokens" if same else f"tokens by the tokenizer of {texts.info['tokenizer']}"
    takes = "" if of_server else f" about {in_all / tokens_per_second(cast(Any, encoder)):,.0f} s"
    rows = n_texts if unit == "document" else n_distinct
    size = rows * (4 * encoder.facts.dimension + _KEY_BYTES[unit])
    note(
        f"encode: {n_texts:,} {unit}s, {n_distinct:,} distinct, {n_tokens:,} {counted}:{takes} "
        f"with {encoder.facts.name} ({encoder.dtype}, {encoder.threads} at a time); "
        f"{readable(size)} will be written"
    )
    return n_tokens


def readable(size: int) -> str:
    """A number of bytes for a person.

    Examples:
        >>> readable(999), readable(1_550_000), readable(768 * 10**9)
        ('999 bytes', '1.6 MB', '768.0 GB')
    """
    if size < 1000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 1000:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
