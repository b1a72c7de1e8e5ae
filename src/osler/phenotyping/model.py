"""A saved clustering: assigns new samples to the clusters that were found, nothing is fitted again.

`model/model.json` and `model/model.npz` hold patient data (values of the cohort, distances), so only their
owner may read them.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.files import read_json, write_bytes, write_json
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.points import Points
from osler.phenotyping.spaces.vectors import Space
from osler.phenotyping.store import pack, unpack
from osler.represent.features import Features

FOLDER = "model"
FORMAT_VERSION = 1
_COLUMNS, _STATEMENTS = "columns", "statements"
# Steps of the distances within a cluster that typicality is read from.
_GRID = np.linspace(0, 1, 101)
# Below this share of known cells the new samples come from another record, not from other patients.
_LEAST_KNOWN = 0.5


@dataclass(frozen=True)
class Model:
    """A clustering as it was saved.

    Attributes:
        representation: name of the representation.
        source: what the representation was made from (encoder, pooling, settings), as `fit` was told.
        chosen: arm -> k chosen, or None.
        supported: arm -> of each cluster of the k chosen, whether it is a phenotype by the gates; an arm that
            was not judged is missing.
        names: columns of the representation's matrix.
        kind: `columns` (counts, documents) or `statements` (pooled by saved weights).
        transformer: the fitted transformer, or for statements the weight of each and that of unseen ones.
        space: how its result became the space of the clusters.
        arrays: (arm, k) -> arrays of the arm, and `distances` [k, 101], quantiles of the distances in each
            cluster.
    """

    representation: str
    source: dict[str, Any] | None
    chosen: dict[str, int | None]
    supported: dict[str, list[bool]]
    names: list[str]
    kind: str
    transformer: Any
    space: Space
    arrays: dict[tuple[str, int], dict[str, Array]]


@dataclass(frozen=True)
class Assignment:
    """Clusters of new samples.

    Attributes:
        arm: name of the arm.
        k: number of clusters.
        cluster: int64 [n].
        distance: float64 [n], to the middle of the cluster.
        typicality: float64 [n], share of the cluster's first members that lie at least as far; 0 is
            farther than all.
        unseen: columns of the new samples that the model does not know; they were not used (or, for
            statements, weighed as unseen ones).
        absent: columns of the model that the new samples lack.
        supported: bool [k], whether each cluster is a phenotype by the gates; None: it was not judged.
        known_share: share of the cells of the new samples that lie in columns that the model knows.
    """

    arm: str
    k: int
    cluster: Array
    distance: Array
    typicality: Array
    unseen: int
    absent: int
    known_share: float
    supported: Array | None


def save_model(
    part: Path,
    *,
    features: Features,
    transformer: Any,
    space: Space,
    partitions: Mapping[tuple[str, int], Partition],
    chosen: Mapping[str, int | None],
    supported: Mapping[str, Sequence[bool]],
    source: Mapping[str, Any] | None,
) -> bool:
    """Save a clustering, where its transformer has a saved form.

    Args:
        part: folder that gets `model/`.
        features: the representation.
        transformer: its fitted transformer.
        space: the fitted space.
        partitions: by arm and k.
        chosen: k by arm.
        supported: by arm that was judged, of each cluster of its k.
        source: what the representation was made from.

    Returns:
        Whether it was saved.
    """
    arrays: dict[str, Array] = {}
    pool = getattr(transformer, "steps", (transformer,))[0]
    statements = type(pool).__name__ == "StatementPool"
    try:
        frozen = pack(np.asarray(pool.weights_), arrays) if statements else pack(transformer, arrays)
        unseen = pack(_unseen_weight(pool, features), arrays) if statements else None
        packed_space = {name: pack(value, arrays) for name, value in vars(space).items()}
    except TypeError:
        return False
    entries = []
    for (arm, k), partition in partitions.items():
        model = {**partition.model, "distances": _distances(partition, k)}
        entries.append(
            {"arm": arm, "k": k, "arrays": {name: pack(value, arrays) for name, value in model.items()}}
        )
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    write_bytes(part / FOLDER / "model.npz", buffer.getvalue(), private=True)
    write_json(
        part / FOLDER / "model.json",
        {
            "format_version": FORMAT_VERSION,
            "representation": features.name,
            "source": None if source is None else dict(source),
            "chosen": dict(chosen),
            "supported": {name: list(flags) for name, flags in supported.items()},
            "kind": _STATEMENTS if statements else _COLUMNS,
            "names": list(features.names),
            "transformer": frozen,
            "unseen_weight": unseen,
            "space": packed_space,
            "partitions": entries,
        },
        private=True,
    )
    return True


def load_model(path: str | Path) -> Model:
    """Read a clustering.

    Args:
        path: the folder that `fit_phenotypes` wrote.

    Raises:
        InputError: it holds no saved model.
    """
    folder = Path(path) / FOLDER
    if not (folder / "model.json").is_file():
        raise InputError(
            "no saved clustering here",
            where=path,
            remedy="name a folder of `osler phenotype fit`; not every representation can be saved",
        )
    stored = read_json(folder / "model.json")
    with np.load(folder / "model.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    transformer = unpack(stored["transformer"], arrays)
    if stored["kind"] == _STATEMENTS:
        transformer = (transformer, unpack(stored["unseen_weight"], arrays))
    return Model(
        representation=stored["representation"],
        source=stored["source"],
        chosen=stored["chosen"],
        supported=stored.get("supported", {}),
        names=stored["names"],
        kind=stored["kind"],
        transformer=transformer,
        space=Space(**{name: unpack(value, arrays) for name, value in stored["space"].items()}),
        arrays={
            (entry["arm"], entry["k"]): {
                name: unpack(value, arrays) for name, value in entry["arrays"].items()
            }
            for entry in stored["partitions"]
        },
    )


def assign(model: Model, features: Features, *, arm: str | None = None, k: int | None = None) -> Assignment:
    """Send new samples to the clusters of a model.

    Args:
        model: the clustering.
        features: the same representation of the new samples.
        arm: name of the arm; None: the first.
        k: number of clusters; None: the one that was chosen.

    Raises:
        InputError: another representation, an arm or k that was not fitted, no k was chosen, or the columns
            are mostly unknown.
    """
    if features.name != model.representation:
        raise InputError(
            f"the clustering was fitted on '{model.representation}', not on '{features.name}'",
            remedy="make the same representation of the new samples",
        )
    arm = arm or next(iter(model.chosen))
    fitted = sorted(number for name, number in model.arrays if name == arm)
    k = k if k is not None else model.chosen.get(arm)
    if k is None and fitted:
        raise InputError(
            "no number of clusters met the rule when this was fitted",
            allowed=fitted,
            remedy="name one with k",
        )
    if (arm, k) not in model.arrays or k is None:
        raise InputError(
            f"no clustering with arm '{arm}' and k {k}", allowed=model.arrays, remedy="name a fitted one"
        )
    known = np.isin(np.array(features.names, dtype=object), np.array(model.names, dtype=object))
    known_share = _known_share(features, known)
    if model.kind == _COLUMNS and known_share < _LEAST_KNOWN:
        raise InputError(
            f"the clustering knows only {known_share:.0%} of what the new samples hold",
            count=int((~known).sum()),
            remedy="assign samples whose record has the same codes as those that were clustered",
        )
    matrix = _frozen(model, features)
    arrays = model.arrays[arm, k]
    cluster, distance = load_arm(arm).assign(arrays, Points(coordinates=model.space.apply(matrix)))
    return Assignment(
        arm=arm,
        k=k,
        cluster=cluster,
        distance=distance,
        typicality=_typicality(cluster, distance, arrays["distances"]),
        unseen=int((~known).sum()),
        absent=len(set(model.names) - set(features.names)),
        known_share=known_share,
        supported=np.array(model.supported[arm])
        if arm in model.supported and k == model.chosen[arm]
        else None,
    )


def _known_share(features: Features, known: Array) -> float:
    """Share of the cells of new samples that lie in columns that the model knows; 1 where there are none."""
    if not hasattr(features.matrix, "indptr"):
        return float(known.mean())
    cells = np.bincount(features.matrix.indices, minlength=len(known))
    return float(cells[known].sum() / cells.sum()) if cells.sum() else 1.0


def _frozen(model: Model, features: Features) -> Any:
    """The representation of new samples by what was fitted on the first ones."""
    if model.kind == _STATEMENTS:
        weights, unseen = model.transformer
        weight = dict(zip(model.names, weights.tolist(), strict=True))
        transformer = features.make_linear().fit(features.matrix)
        pool = transformer.steps[0]
        pool.weights_ = np.array([weight.get(name, unseen) for name in features.names], dtype=np.float32)
        return transformer.transform(features.matrix)
    return model.transformer.transform(_aligned(model, features))


def _aligned(model: Model, features: Features) -> Any:
    """The matrix of new samples with the columns of the model."""
    from scipy import sparse

    if list(features.names) == model.names:
        return features.matrix
    if not sparse.issparse(features.matrix):
        raise InputError(
            "the vectors have other columns than those that were clustered",
            count=len(features.names),
            remedy=f"encode with the same encoder ({len(model.names)} columns)",
        )
    place = {name: i for i, name in enumerate(model.names)}
    to = np.array([place.get(name, -1) for name in features.names], dtype=np.int64)
    cells = features.matrix.tocoo()
    column = to[cells.col]
    kept = column >= 0
    shape = (features.n_samples, len(model.names))
    aligned = sparse.csr_matrix((cells.data[kept], (cells.row[kept], column[kept])), shape=shape)
    aligned.sort_indices()
    return aligned


def _unseen_weight(pool: Any, features: Features) -> float:
    # What `StatementPool` gives a statement that no training sample has.
    return 1.0 if pool.pool == "mean" else float(np.log(1 + features.n_samples) + 1)


def _distances(partition: Partition, k: int) -> Array:
    members = [partition.distance[partition.cluster == number] for number in range(k)]
    # A mixture may have a distribution that is the most probable of no sample.
    empty = np.full(len(_GRID), np.nan)
    return np.array([np.quantile(member, _GRID) if len(member) else empty for member in members])


def _typicality(cluster: Array, distance: Array, quantiles: Array) -> Array:
    share = np.empty(len(cluster))
    for number in np.unique(cluster):
        member = cluster == number
        nearer = np.searchsorted(quantiles[number], distance[member], "left")
        share[member] = 1 - nearer / len(_GRID)
    return share
