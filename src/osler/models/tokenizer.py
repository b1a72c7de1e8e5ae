"""Tokenizers of encoders: exact counts and ids, many texts at once, nothing cut and nothing padded."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file, hash_json
from osler.models.facts import Recipe
from osler.models.recipes import recipe

_BATCH = 8192
_MANY = 2000  # texts from which counting by distinct words pays


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer of an encoder.

    Attributes:
        name: name of the encoder.
        hash: SHA-256 of its `tokenizer.json`.
        context: most tokens of one window, special tokens included.
        prefix: ids of the special tokens before a text.
        suffix: ids of the special tokens after a text.
        pad_id: id that fills shorter texts of a batch.
        splits_on_whitespace: whether white space always ends a token, so that the token count of a text is
            the sum over its words, and counts of joined lines add up.

    Examples:
        >>> load_tokenizer("minilm").count(["Sodium (mmol/L): 140", ""]).tolist()
        [9, 0]
    """

    name: str
    hash: str
    context: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad_id: int
    splits_on_whitespace: bool
    _backend: Any

    @property
    def room(self) -> int:
        """Most tokens of text in one window: the context without its special tokens."""
        return self.context - len(self.prefix) - len(self.suffix)

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Number of tokens of each text, special tokens not counted.

        Args:
            texts: any length each.

        Returns:
            int32 array [n_texts].
        """
        if self.splits_on_whitespace and len(texts) >= _MANY:
            return self._count_by_words(texts)
        return self._count_whole(texts)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens, never cut."""
        return [encoding.ids for _, encodings in self._encodings(texts) for encoding in encodings]

    def _count_whole(self, texts: Sequence[str]) -> np.ndarray:
        counts = np.empty(len(texts), dtype=np.int32)
        for start, encodings in self._encodings(texts):
            counts[start : start + len(encodings)] = [len(encoding) for encoding in encodings]
        return counts

    def _count_by_words(self, texts: Sequence[str]) -> np.ndarray:
        """Count each distinct word once: records repeat their words, which makes this many times faster."""
        words = (
            pl.LazyFrame({"text": pl.Series(texts, dtype=pl.String)})
            .with_row_index("row")
            .with_columns(pl.col("text").str.extract_all(r"[^ \t\r\n]+"))
            .explode("text", empty_as_null=False)
            .collect()
        )
        distinct = words.select(pl.col("text").unique())
        counted = distinct.with_columns(pl.Series("n", self._count_whole(distinct["text"].to_list())))
        sums = words.join(counted, on="text").group_by("row").agg(pl.col("n").sum())
        counts = np.zeros(len(texts), dtype=np.int32)
        counts[sums["row"].to_numpy()] = sums["n"].to_numpy()
        return counts

    def _encodings(self, texts: Sequence[str]) -> Iterator[tuple[int, list[Any]]]:
        for start in range(0, len(texts), _BATCH):
            batch = list(texts[start : start + _BATCH])
            yield start, self._backend.encode_batch_fast(batch, add_special_tokens=False)


@lru_cache(maxsize=8)
def load_tokenizer(name: str) -> Tokenizer:
    """Load the tokenizer of an encoder.

    Args:
        name: a name as for `osler.models.recipes.recipe`.

    Raises:
        InputError: there is no such encoder, or its tokenizer cannot be read.
    """
    facts = recipe(name)
    backend, digest = _load_backend(facts)
    prefix, suffix = _special_tokens(backend)
    after = _control_ids(backend, facts.after)
    return Tokenizer(
        name=facts.name,
        hash=digest,
        context=facts.context,
        prefix=prefix,
        suffix=suffix if after == suffix[: len(after)] else after + suffix,
        pad_id=_pad_id(facts.path()),
        splits_on_whitespace=splits_on_whitespace(json.loads(backend.to_str())),
        _backend=backend,
    )


def _load_backend(facts: Recipe) -> tuple[Any, str]:
    """The tokenizer that neither cuts nor pads, and the hash of what it was made from."""
    from tokenizers import Tokenizer as Backend

    path = facts.path() / "tokenizer.json"
    try:
        if path.is_file():
            backend, digest = Backend.from_file(str(path)), hash_file(path)
        else:
            backend, digest = _of_vocabulary(facts)
    except InputError:
        raise
    except Exception as error:  # the library raises bare Exception for whatever is wrong with the file
        raise InputError(f"tokenizer not readable: {error}", where=path) from error
    # The file of MiniLM cuts at 128 tokens and pads to 128 unless told otherwise.
    backend.no_truncation()
    backend.no_padding()
    # "[SEP]" in a record is text like any other and must never act as a control token.
    backend.encode_special_tokens = True
    return backend, digest


def _of_vocabulary(facts: Recipe) -> tuple[Any, str]:
    """A WordPiece tokenizer from `vocab.txt`, as older BERT models have it."""
    from tokenizers.implementations import BertWordPieceTokenizer

    path = facts.path() / "vocab.txt"
    if not path.is_file() or facts.architecture not in ("bert", "distilbert"):
        raise InputError("the encoder has no tokenizer.json", where=path.parent)
    lowercase = facts.lowercase
    if lowercase is None:
        config = path.parent / "tokenizer_config.json"
        lowercase = bool(read_json(config).get("do_lower_case", True)) if config.is_file() else True
    made = BertWordPieceTokenizer(str(path), lowercase=lowercase, strip_accents=lowercase)
    # `Tokenizer` itself, of which that class is a wrapper with other names.
    return made._tokenizer, hash_json({"vocabulary": hash_file(path), "lowercase": lowercase})


def _control_ids(backend: Any, text: str) -> tuple[int, ...]:
    """Ids of control text around every text; here its special tokens act."""
    backend.encode_special_tokens = False
    ids = tuple(backend.encode(text, add_special_tokens=False).ids) if text else ()
    backend.encode_special_tokens = True
    return ids


def splits_on_whitespace(file: dict[str, Any]) -> bool:
    """Whether a `tokenizer.json` always ends tokens at white space and lets no word depend on its neighbours.

    True for BERT's own splitting and for splitting on white space (space, tab, new line, carriage return).
    Byte-level and sentence-piece tokenizers carry the space inside the token, so it is false for them.
    """
    kinds = {"BertPreTokenizer", "Whitespace", "WhitespaceSplit"}
    harmless = {"BertNormalizer", "Lowercase", "NFC", "NFD", "NFKC", "NFKD", "StripAccents", "Strip"}
    pre = _flat(file.get("pre_tokenizer"), "pretokenizers")
    normalisers = _flat(file.get("normalizer"), "normalizers")
    spaced = [token for token in file.get("added_tokens", []) if len(str(token["content"]).split()) != 1]
    return bool(pre) and pre[0] in kinds and set(normalisers) <= harmless and not spaced


def _flat(part: dict[str, Any] | None, inner: str) -> list[str]:
    if part is None:
        return []
    if part["type"] == "Sequence":
        return [kind for child in part[inner] for kind in _flat(child, inner)]
    return [str(part["type"])]


def _special_tokens(backend: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    bare = backend.encode("a", add_special_tokens=False).ids
    whole = backend.encode("a", add_special_tokens=True).ids
    start = next(i for i in range(len(whole)) if whole[i : i + len(bare)] == bare)
    return tuple(whole[:start]), tuple(whole[start + len(bare) :])


def _pad_id(folder: Path) -> int:
    config = folder / "config.json"
    return int(read_json(config).get("pad_token_id") or 0) if config.is_file() else 0
