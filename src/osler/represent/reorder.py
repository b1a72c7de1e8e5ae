"""The same texts with their statements in another order, encoded again by the same encoder.

Statements change places only with others that stand under the same words: what is written before a statement
(a heading, a date) stays where it is and remains true.
"""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet, write_text
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.record.schema import SAMPLE_KEY
from osler.represent.encode import ENCODER_JSON, make_vectors
from osler.represent.features import Features
from osler.represent.settings import EncodeSettings
from osler.represent.vectors import document_features
from osler.statements.read import PARTS, TEXTS_JSON, open_texts

if TYPE_CHECKING:
    from osler.represent.engine import EngineSettings

_SHARD = "0"
_TEMPORARY = ".reordered-"


def reordered(text: str, start: list[int], end: list[int], rng: np.random.Generator) -> tuple[str, list[int]]:
    """A text whose statements have changed places.

    Args:
        text: the text.
        start: character at which each statement begins, ascending.
        end: character at which each ends.
        rng: draws the order.

    Returns:
        The text, and where the statement at each place ends now.

    Examples:
        >>> said = "Labs: a; b; c. Drugs: d; e"
        >>> spans = [(6, 7), (9, 10), (12, 13), (22, 23), (25, 26)]
        >>> moved, ends = reordered(said, *map(list, zip(*spans)), np.random.default_rng(0))
        >>> moved, ends
        ('Labs: c; a; b. Drugs: e; d', [7, 10, 13, 23, 26])
    """
    said = [text[a:b] for a, b in zip(start, end, strict=True)]
    before = [text[a:b] for a, b in zip([0, *end], start, strict=False)]
    block = np.cumsum([any(one.isalnum() for one in words) for words in before])
    order = np.arange(len(said))
    for number in np.unique(block):
        places = np.flatnonzero(block == number)
        order[places] = rng.permutation(places)
    made, ends, length = [], [], 0
    for words, place in zip(before, order.tolist(), strict=True):
        made += [words, said[place]]
        length += len(words) + len(said[place])
        ends.append(length)
    return "".join(made) + text[end[-1] if end else 0 :], ends


def reordered_features(
    texts_path: Path,
    vectors_path: Path,
    samples: pl.DataFrame,
    *,
    encoder: str | None = None,
    seed: int = 0,
    scratch: Path | None = None,
    cache: Path | None = None,
    engine: "EngineSettings | None" = None,
) -> Features:
    """Document vectors of the texts of some samples, whose statements have changed places.

    The texts and their vectors exist in a temporary folder only, readable by their owner.

    Args:
        texts_path: the folder of texts.
        vectors_path: the folder of vectors of unit `document` that was made from them; its encoder,
            instruction and number format are taken again.
        samples: `subject_id, prediction_time`.
        encoder: their encoder, where the name in their folder does not find it (one in a folder of its own).
        seed: seed of the orders.
        scratch: a folder that only this job uses, for the temporary folder (what a killed job left of it
            goes first); None: where the system makes them.
        cache: vectors computed before, so that a job that was killed goes on.
        engine: where batches are computed; None: in this process.

    Returns:
        Dense float32 [n_samples, dimension], as `document_features` gives them.

    Raises:
        InputError: not such folders, samples without a text, or the encoder is not the one of the vectors.
    """
    info = read_json(vectors_path / ENCODER_JSON)
    if info["unit"] != "document":
        raise InputError(
            "the order of statements matters to vectors of documents only",
            where=vectors_path,
            allowed=["document"],
        )
    for left in scratch.glob(f"{_TEMPORARY}*") if scratch is not None else ():
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=scratch) as name:
        folder = Path(name)
        settings = _settings(info, folder, encoder)
        _write(texts_path, folder / "texts", samples, seed=seed)
        make_vectors(folder / "texts", folder / "vectors", settings=settings, cache=cache, engine=engine)
        _require_same(info, read_json(folder / "vectors" / ENCODER_JSON), where=vectors_path)
        return document_features(folder / "vectors", samples)


def _settings(info: dict[str, Any], folder: Path, encoder: str | None) -> EncodeSettings:
    """How vectors were made, as their folder tells it; an instruction of the user's own becomes a file."""
    instruction = info["instruction"]
    if instruction["name"] == "file":
        write_text(folder / "instruction.txt", instruction["text"], private=True)
    return EncodeSettings(
        encoder=encoder or info["encoder"]["name"],
        dtype=info["encoder"]["dtype"],
        instruction=str(folder / "instruction.txt") if instruction["name"] == "file" else instruction["name"],
        # None was longer than a window; one that just fits may be a token longer now.
        on_overflow="window" if info["on_overflow"] == "error" else info["on_overflow"],
    )


def _require_same(stored: dict[str, Any], made: dict[str, Any], *, where: Path) -> None:
    """Refuse an encoder of the same name that is another one, or an instruction that was reworded since."""
    same = all(
        stored["encoder"][name] == made["encoder"][name] for name in ("weights_sha256", "tokenizer_sha256")
    )
    if not same or stored["instruction"]["text"].strip() != made["instruction"]["text"].strip():
        raise InputError(
            "the texts in another order were not encoded as these vectors were",
            where=where,
            remedy=f"make the vectors again with the encoder '{made['encoder']['name']}' of this machine",
        )


def _write(texts_path: Path, out: Path, samples: pl.DataFrame, *, seed: int) -> None:
    """A folder of the texts of the samples in another order, one shard."""
    texts = open_texts(texts_path)
    wanted = samples.select(SAMPLE_KEY).unique().sort(SAMPLE_KEY)
    frames = {
        "texts": texts.texts().join(wanted.lazy(), on=SAMPLE_KEY, how="inner").collect().sort(SAMPLE_KEY),
        "lines": texts.lines()
        .join(wanted.lazy(), on=SAMPLE_KEY, how="inner")
        .collect()
        .sort(*SAMPLE_KEY, "line"),
        "statements": texts.statements().head(0).collect(),
    }
    if frames["texts"].height < wanted.height:
        raise InputError(
            "samples without a text",
            where=texts_path,
            count=wanted.height - frames["texts"].height,
            remedy="write texts for these labels",
        )
    start, end = (frames["lines"][name].to_list() for name in ("char_start", "char_end"))
    made: list[str] = []
    ends: list[int] = []
    for number, (text, count) in enumerate(frames["texts"].select("text", "n_statements").iter_rows()):
        here = slice(len(ends), len(ends) + count)
        moved, stops = reordered(text, start[here], end[here], np.random.default_rng([seed, number]))
        made.append(moved)
        ends += stops
    frames["texts"] = frames["texts"].with_columns(text=pl.Series(made, dtype=pl.String))
    frames["lines"] = frames["lines"].with_columns(char_end=pl.Series(ends, dtype=pl.Int32))
    with Output(out, key=hash_json({"texts": texts.hash, "seed": seed})) as part:
        for name in PARTS:
            write_parquet(part / name / f"{_SHARD}.parquet", frames[name], private=True)
        write_json(part / TEXTS_JSON, {**texts.info, "shards": [_SHARD]})
