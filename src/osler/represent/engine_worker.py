"""The worker of a cluster: one process, one model; batches of token ids in, vectors out.

Two workers whose software or weights differ would mix two kinds of vectors in one file, which is refused. Two
kinds of processor differ in the last bits only, which is said.
"""

import hashlib
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError


@dataclass(frozen=True)
class Report:
    """What a worker says of itself when its model is loaded.

    Attributes:
        host: name of its machine.
        made_by: `describe()` of its encoder.
        software: versions that decide the bytes of a vector.
        budget: tokens of a batch that suit its device.
        hardware: what decides their last bits: kind of processor, or of graphics processor.
    """

    host: str
    made_by: dict[str, Any]
    software: dict[str, str]
    budget: int
    hardware: str


class Worker:
    """Holds one loaded encoder. Its methods are called one at a time."""

    def __init__(self) -> None:
        self._encoder: Any = None

    def place(self) -> tuple[str, int]:
        """Name of the machine and number of the process: answered as soon as the worker has a place."""
        return socket.gethostname(), os.getpid()

    def load(self, name: str, dtype: str, device: str) -> Report:
        """Load the encoder on `cpu` or `cuda`."""
        from osler.models.encoder import load_encoder

        self._encoder = load_encoder(name, dtype=dtype, threads=1, device=device)
        return Report(
            host=socket.gethostname(),
            made_by=self._encoder.describe(),
            software=_software(),
            budget=self._encoder.budget,
            hardware=_hardware(device),
        )

    def encode(self, flat: np.ndarray, ends: np.ndarray, lead: int) -> np.ndarray:
        """Vectors of one batch, packed by `pack_batch`; `lead` as in `Encoder.encode_ids`."""
        [vectors] = self._encoder.encode_batches([unpack_batch(flat, ends)], lead=lead)
        result: np.ndarray = vectors
        return result


def pack_batch(batch: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """A batch as two arrays: int32 token ids text after text, and int64 positions at which each text ends.

    Examples:
        >>> unpack_batch(*pack_batch([[5, 6], [], [7]]))
        [[5, 6], [], [7]]
    """
    ends = np.cumsum([len(one) for one in batch], dtype=np.int64)
    return np.array([token for one in batch for token in one], dtype=np.int32), ends


def unpack_batch(flat: np.ndarray, ends: np.ndarray) -> list[list[int]]:
    """The batch that `pack_batch` packed."""
    return [one.tolist() for one in np.split(flat, ends[:-1])]


def require_same(reference: Report, other: Report) -> None:
    """Refuse a worker whose vectors would be of another kind.

    Raises:
        InputError: another version of a library, other weights, another tokenizer or number format.
    """
    ours = {**reference.software, **reference.made_by}
    theirs = {**other.software, **other.made_by}
    differ = sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
    if differ:
        shown = "; ".join(f"{key}: {ours.get(key)} and {theirs.get(key)}" for key in differ[:4])
        raise InputError(
            f"the workers on {reference.host} and {other.host} do not compute the same vectors ({shown})",
            count=len(differ),
            remedy="install the same versions and the same encoder on every node",
        )


def _software() -> dict[str, str]:
    import numpy
    import torch
    import transformers

    return {
        "torch": str(torch.__version__),
        "transformers": str(transformers.__version__),
        "numpy": str(numpy.__version__),
    }


def _hardware(device: str) -> str:
    """Graphics processor of this worker, or else the processor with a hash of its abilities."""
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name(0))
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(errors="replace").splitlines() if listing.is_file() else []
    facts = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))
    }
    flags = " ".join(sorted(facts.get("flags", "").split()))
    digest = hashlib.sha256(flags.encode()).hexdigest()[:8]
    return (
        f"{facts.get('model name', 'processor')}, {torch.backends.cpu.get_cpu_capability()}, flags {digest}"
    )
