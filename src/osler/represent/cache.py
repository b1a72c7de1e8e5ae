"""Vectors that were computed before, by the content of what they were computed from.

The unit is the batch: its key is a hash of the keys of its texts in order, and each of those is a hash of the
tokens (instruction included), the encoder's weights and tokenizer, pooling, number format and code version.
A batch found here therefore has exactly the bytes that computing it again would give, and a job that was
killed, or is repeated, ends with the same bytes as an undisturbed one. Vectors are patient data: files are
readable by their owner only. Nothing is pickled.
"""

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from osler.base.files import write_bytes
from osler.base.hashing import hash_json

if TYPE_CHECKING:
    from osler.represent.engine import BatchEncoder


class VectorCache:
    """A folder of `.npy` files, one per batch.

    Args:
        folder: the folder; None: nothing is kept.
        encoder: what makes the vectors.
    """

    def __init__(self, folder: Path | None, encoder: "BatchEncoder") -> None:
        self._folder = folder
        # The place and the name of an encoder do not change its vectors; its content does.
        made_by = encoder.describe()
        parts = ("weights_sha256", "tokenizer_sha256", "architecture", "attention", "pooling")
        after = ("heads", "dimension", "normalise", "dtype", "device")
        self._prefix = hash_json(
            {name: made_by[name] for name in (*parts, *after, "threads_per_batch", "code_version")}
        ).encode()

    def key(self, texts: Sequence[bytes]) -> str:
        """Key of a batch.

        Args:
            texts: keys of its texts (of their token ids, instruction included), in order.
        """
        digest = hashlib.sha256(self._prefix)
        for text in texts:
            digest.update(text)
        return digest.hexdigest()

    def get(self, key: str, shape: tuple[int, int]) -> np.ndarray | None:
        """Vectors of a batch, or None when they are not here or the file is broken."""
        if self._folder is None:
            return None
        path = self._path(key)
        if not path.is_file():
            return None
        try:  # not `np.load`, which takes a broken file for an archive or a pickle
            with path.open("rb") as file:
                vectors: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
        except (ValueError, EOFError):
            return None
        return vectors if vectors.shape == shape and vectors.dtype == np.float32 else None

    def put(self, key: str, vectors: np.ndarray) -> None:
        """Keep the vectors of a batch."""
        if self._folder is None:
            return
        buffer = io.BytesIO()
        np.save(buffer, vectors, allow_pickle=False)
        write_bytes(self._path(key), buffer.getvalue(), private=True)

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key}.npy"
