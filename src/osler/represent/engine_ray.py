"""An encoder whose batches are computed on a Ray cluster: one model per worker."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.parallel import cores
from osler.models.loading import weights_hash
from osler.models.recipes import Recipe, recipe
from osler.models.tokenizer import Tokenizer, load_tokenizer
from osler.represent.engine import EngineSettings
from osler.represent.engine_cluster import cluster
from osler.represent.engine_pool import WorkerPool


@dataclass(frozen=True)
class RayEncoder:
    """An encoder on a cluster; the model is not loaded in this process.

    Attributes:
        facts: its recipe.
        tokenizer: its tokenizer.
        weights_sha256: SHA-256 of its weights here, the same as on every worker.
        dtype: number format of the computation.
        threads: number of workers.
        budget: tokens of a batch that suit the first worker.
        pool: the workers.
    """

    facts: Recipe
    tokenizer: Tokenizer
    weights_sha256: str
    dtype: str
    threads: int
    budget: int
    pool: WorkerPool

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """Vectors of batches exactly as given and in their order; `lead` as in `Encoder.encode_ids`."""
        return self.pool.encode_batches(batches, lead=lead)

    def describe(self) -> dict[str, Any]:
        """What made the vectors, as the workers say it: the same as a local encoder says of itself."""
        assert self.pool.reference is not None
        return self.pool.reference.made_by


@contextmanager
def ray_encoder(name: str, *, dtype: str, settings: EngineSettings) -> Iterator[RayEncoder]:
    """An encoder on a cluster, while the context is open.

    Args:
        name: a name of `RECIPES`, or the path of a folder that each node has.
        dtype: `auto`, `float32` or `bfloat16`; the first worker decides what `auto` means for all.
        settings: address, number of workers, graphics processors per worker.

    Raises:
        InputError: no cluster, no room for a worker, more workers than this machine has cores, or a worker
            with other weights or versions.
    """
    facts, tokenizer = recipe(name), load_tokenizer(name)
    digest = weights_hash(facts)
    here = cores()
    gpus = settings.gpus_per_worker
    if settings.address is None and (settings.workers or 1) > here:
        raise InputError(
            f"{settings.workers:,} workers, each with a model of its own, on {here} cores",
            where="workers",
            allowed=[f"1 to {here}"],
            remedy="name fewer, or the --address of a cluster",
        )
    with cluster(settings.address, cpus=settings.workers or here) as ray:
        workers = settings.workers or _room(ray.cluster_resources(), gpus)
        pool = WorkerPool(ray, encoder=name, dtype=dtype, workers=workers, gpus=gpus)
        try:
            assert pool.reference is not None
            made_by = pool.reference.made_by
            for key, own in (("weights_sha256", digest), ("tokenizer_sha256", tokenizer.hash)):
                if made_by[key] != own:
                    raise InputError(
                        f"the encoder on {pool.reference.host} is not the one on this machine: "
                        f"{key} {made_by[key]}",
                        where=name,
                        allowed=[own],
                        remedy="put the same files on every node",
                    )
            yield RayEncoder(
                facts=facts,
                tokenizer=tokenizer,
                weights_sha256=digest,
                dtype=str(made_by["dtype"]),
                threads=workers,
                budget=pool.reference.budget,
                pool=pool,
            )
        finally:
            pool.close()


def _room(resources: dict[str, float], gpus: float) -> int:
    """How many workers a cluster has room for."""
    cores = int(resources.get("CPU", 0))
    room = min(cores, int(resources.get("GPU", 0) / gpus + 1e-9)) if gpus else cores
    if room < 1:
        raise InputError(
            "the cluster has no room for a worker",
            remedy="start nodes with cores" + (" and graphics processors" if gpus else ""),
        )
    return room
