"""Reading a `texts` folder."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_json
from osler.base.output import MANIFEST, content_hash
from osler.statements.samples import RECORD_END
from osler.statements.settings import TextSettings

TEXTS_JSON = "texts.json"
PARTS = ("texts", "statements", "lines")


@dataclass(frozen=True)
class Texts:
    """A `texts` folder on disk.

    Attributes:
        path: the folder.
        info: content of `texts.json`.
        shards: names of the files that each of `texts/`, `statements/` and `lines/` holds, in dataset order.
    """

    path: Path
    info: dict[str, Any]
    shards: tuple[str, ...]

    @cached_property
    def settings(self) -> TextSettings:
        """The settings that the texts were made with."""
        return TextSettings.parse(self.info["settings"], where=str(self.path / TEXTS_JSON))

    @cached_property
    def hash(self) -> str:
        """Hash of everything in the folder."""
        return hash_json({"texts": content_hash(self.path)})

    @property
    def at_record_end(self) -> bool:
        """Whether the samples are ends of records (`osler text` without labels), which prediction refuses."""
        return bool(self.info["samples"] == RECORD_END)

    def texts(self) -> pl.LazyFrame:
        """`subject_id, prediction_time, text, n_tokens, n_statements, n_dropped`, one row per sample."""
        return self._scan("texts")

    def statements(self) -> pl.LazyFrame:
        """`statement_id, text, n_tokens`; a statement occurs once per shard that shows it."""
        return self._scan("statements")

    def lines(self) -> pl.LazyFrame:
        """`subject_id, prediction_time, line, statement_id, section, time, rows, char_start, char_end`."""
        return self._scan("lines")

    def file(self, part: str, shard: str) -> Path:
        """The file of one shard.

        Args:
            part: `texts`, `statements` or `lines`.
            shard: one of `shards`.
        """
        return self.path / part / f"{shard}.parquet"

    def _scan(self, part: str) -> pl.LazyFrame:
        return pl.scan_parquet([self.file(part, shard) for shard in self.shards])


def open_texts(path: str | Path) -> Texts:
    """Open a folder that `make_texts` wrote.

    Args:
        path: the folder.

    Raises:
        InputError: there is no such folder, it is not finished, or it is something else.
    """
    folder = Path(path)
    if not (folder / TEXTS_JSON).is_file() or not (folder / MANIFEST).is_file():
        raise InputError(
            "not a finished texts folder", where=folder, remedy="make it with: osler text DATASET -o FOLDER"
        )
    info = read_json(folder / TEXTS_JSON)
    return Texts(path=folder, info=info, shards=tuple(info["shards"]))
