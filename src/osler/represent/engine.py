"""Where batches are encoded: in this process, or on the workers of a Ray cluster.

An engine only places batches. What a batch holds is decided before (`models.batching`, with the budget that
suits the device, kept in `encoder.json`), and its bytes depend on the batch, the encoder and the kind of
machine, so both engines give the same vectors.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol, cast

import numpy as np
from pydantic import Field, model_validator

from osler.base.errors import InputError
from osler.base.settings import Settings
from osler.models.device import Device
from osler.models.encoder import load_encoder
from osler.models.recipes import Recipe
from osler.models.servers.address import is_server
from osler.models.servers.encoder import load_server_encoder
from osler.models.tokenizer import Tokenizer


class BatchEncoder(Protocol):
    """What encoding needs of an encoder, wherever its batches are computed."""

    @property
    def facts(self) -> Recipe:
        """Its recipe."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of its weights."""

    @property
    def dtype(self) -> str:
        """Number format of the computation."""

    @property
    def threads(self) -> int:
        """Number of batches computed at a time."""

    @property
    def budget(self) -> int:
        """Padded tokens of a batch that suit where it is computed."""

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """float32 [n_texts, dimension] of each batch, in order; `lead` as in `Encoder.encode_ids`."""

    def describe(self) -> dict[str, Any]:
        """What made the vectors, as JSON-ready values."""


class EngineSettings(Settings):
    """Where encoding runs. It is no part of a result's key: it does not change the vectors.

    Attributes:
        engine: `local` (this process, one batch per core) or `ray` (one model per worker).
        address: `HOST:PORT` of a Ray cluster that runs, or `auto` (the cluster of this machine). None: one is
            started on this machine, reachable from this machine only, and stopped at the end.
        workers: batches computed at a time (`local`), or workers (`ray`). None: one per core, or as many as
            the cluster has cores or graphics processors for.
        gpus_per_worker: graphics processors that each worker of `ray` gets; a part of one is allowed (0.5).
        device: where this process computes with `local`: `cpu`, `cuda`, or `auto`: a graphics processor where
            there is one. Workers of `ray` compute on what they are given.

    Examples:
        >>> EngineSettings(engine="ray", workers=4).plain()["workers"]
        4
    """

    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    workers: int | None = Field(default=None, ge=1)
    gpus_per_worker: float = Field(default=0.0, ge=0)
    device: Device = "auto"

    @model_validator(mode="after")
    def _fits(self) -> "EngineSettings":
        if self.engine == "local" and (self.address is not None or self.gpus_per_worker):
            raise ValueError("address and gpus_per_worker belong to engine 'ray'")
        if self.engine == "ray" and self.device != "auto":
            raise ValueError("device belongs to engine 'local'; gpus_per_worker says it of workers")
        if self.gpus_per_worker > 1 and self.gpus_per_worker % 1:
            raise ValueError("gpus_per_worker above 1 must be a whole number")
        return self


@contextmanager
def open_engine(name: str, *, dtype: str, settings: EngineSettings) -> Iterator[BatchEncoder]:
    """Load an encoder where it will run.

    Args:
        name: a name of `RECIPES`, or the path of a folder; with `ray` each node needs it at the same path.
        dtype: `auto`, `float32` or `bfloat16`.
        settings: where.

    Raises:
        InputError: the encoder cannot be loaded; or Ray is not installed, cannot be reached, or has no room
            for a worker.

    Examples:
        >>> with open_engine("minilm", dtype="float32", settings=EngineSettings()) as encoder:
        ...     [one.shape for one in encoder.encode_batches([[[7592], [2088]]])]
        [(2, 384)]
    """
    if is_server(name):
        if settings.engine == "ray":
            raise InputError(
                "a server computes by itself: engine 'ray' is for models that run here",
                remedy="use --engine local; `concurrency` in the address says how many requests run",
            )
        options = {"dtype": dtype != "auto", "device": settings.device != "auto", "workers": settings.workers}
        given = [option for option, is_given in options.items() if is_given]
        if given:
            raise InputError(
                "a server decides by itself how it computes",
                where=", ".join(given),
                remedy="leave these out; `concurrency` in the address says how many requests run",
            )
        yield cast(BatchEncoder, load_server_encoder(name))
    elif settings.engine == "ray":
        from osler.represent.engine_ray import ray_encoder

        with ray_encoder(name, dtype=dtype, settings=settings) as encoder:
            yield encoder
    else:
        yield load_encoder(name, dtype=dtype, threads=settings.workers, device=settings.device)
