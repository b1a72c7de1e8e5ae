"""A saved clustering, without pickle.

`model/model.json` and `model/model.npz` hold patient data (values of exemplars and medoids, distances, the
cluster of each fitted sample), so only their owner may read them, and the JSON says so.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.files import read_json, write_bytes, write_json
from osler.measure.resample import group_positions
from osler.phenotyping import exemplars
from osler.phenotyping.clustered import Clustered, shown
from osler.phenotyping.data import ArmInput
from osler.phenotyping.frozen_table import FrozenTable
from osler.phenotyping.frozen_vectors import FrozenVectors
from osler.phenotyping.partition import Array, Partition, typicality_among
from osler.phenotyping.settings import VARIABLES, PhenotypeSettings
from osler.phenotyping.spaces.vectors import VectorsSpace
from osler.phenotyping.store import pack, unpack

FOLDER = "model"
FORMAT_VERSION = 2
PRIVATE = "holds values of patients: exemplars or medoids, distances, clusters; not to be passed on"
# Distances of a cluster with more members are kept as so many quantiles.
_MOST_DISTANCES = 1001


@dataclass(frozen=True)
class SavedPartition:
    """One partition as it was saved.

    Attributes:
        arrays: what assigns new samples: of the arm, or of its exemplars.
        by_exemplars: whether these are exemplars; else the arm assigns by itself.
        agreement: share of the fitted samples, noise left out, that exemplars send to their own cluster.
        distances: float64 [k, m], sorted distances of the members of each cluster (or quantiles of them),
            NaN after the last.
        cluster: int64 [n], of each fitted sample as it would be assigned: for exemplars that is not always
            its own, and never noise.
        typicality: float32 [n], of each fitted sample in that cluster.
    """

    arrays: dict[str, Array]
    by_exemplars: bool
    agreement: float | None
    distances: Array
    cluster: Array
    typicality: Array


@dataclass(frozen=True)
class Model:
    """A clustering as it was saved.

    Attributes:
        representation: name of the representation, or `variables`.
        source: what the representation was made from (encoder, pooling, settings), as `fit` was told.
        chosen: arm -> k chosen, or None.
        supported: arm -> of each cluster of the k chosen, whether it is a phenotype by the gates; an arm that
            was not judged is missing.
        reader: how new samples are read.
        partitions: (arm, k) -> partition.
        patient: int64 [n], which fitted samples are of one patient; a number that means nothing else.
        settings: how the clustering was made.
        described: the variables that describe the clusters, as they are read; None where there are none.
    """

    representation: str
    source: dict[str, Any] | None
    chosen: dict[str, int | None]
    supported: dict[str, list[bool]]
    reader: FrozenVectors | FrozenTable
    partitions: dict[tuple[str, int], SavedPartition]
    patient: Array
    settings: PhenotypeSettings
    described: FrozenTable | None

    def choose(self, arm: str | None, k: int | None) -> tuple[str, int]:
        """The arm and k that are meant: by default the first arm, and the k chosen.

        Raises:
            InputError: such a partition was not saved, or no k was chosen.
        """
        arm = arm or next(iter(self.chosen))
        fitted = sorted(number for name, number in self.partitions if name == arm)
        k = k if k is not None else self.chosen.get(arm)
        if k is None and fitted:
            raise InputError(
                "no number of clusters met the rule when this was fitted",
                allowed=fitted,
                remedy="name one with k",
            )
        if k is None or (arm, k) not in self.partitions:
            raise InputError(
                f"no clustering with arm '{arm}' and k {k}",
                allowed=self.partitions,
                remedy="name a fitted one",
            )
        return arm, k


def save_model(
    part: Path,
    *,
    data: ArmInput,
    clustered: Sequence[Clustered],
    settings: PhenotypeSettings,
    chosen: Mapping[str, int | None],
    supported: Mapping[str, Sequence[bool]],
    source: Mapping[str, Any] | None,
    group: Array,
) -> bool:
    """Save a clustering; only one whose transformer has no saved form cannot be.

    Args:
        part: folder that gets `model/`.
        data: the samples.
        clustered: what each arm made of them.
        settings: how.
        chosen: k by arm.
        supported: by arm that was judged, of each cluster of its k.
        source: what the representation was made from.
        group: patient of each sample [n].

    Returns:
        Whether it was saved.
    """
    arrays: dict[str, Array] = {}
    try:
        reader = _reader(data, clustered, settings).state(arrays)
        described = _described(data, settings, arrays)
    except TypeError:
        return False
    entries = [
        _entry(one, k, own, data, arrays)
        for one in clustered
        for k, own in one.partitions.items()
        if one.arm.closed_form or k in one.exemplars
    ]
    patient = pack(group_positions(group)[0].astype(np.int32), arrays)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    write_bytes(part / FOLDER / "model.npz", buffer.getvalue(), private=True)
    write_json(
        part / FOLDER / "model.json",
        {
            "format_version": FORMAT_VERSION,
            "private": PRIVATE,
            "representation": data.name,
            "source": None if source is None else dict(source),
            "chosen": dict(chosen),
            "supported": {name: list(flags) for name, flags in supported.items()},
            "settings": settings.plain(),
            **reader,
            "described": described,
            "partitions": entries,
            "patient": patient,
        },
        private=True,
    )
    return True


def load_model(path: str | Path) -> Model:
    """Read a clustering.

    Args:
        path: the folder that `fit_phenotypes` wrote.

    Raises:
        InputError: it holds no saved model, or one of another format.
    """
    folder = Path(path) / FOLDER
    if not (folder / "model.json").is_file():
        raise InputError(
            "no saved clustering here",
            where=path,
            remedy="name a folder of `osler phenotype fit`; not every representation can be saved",
        )
    stored = read_json(folder / "model.json")
    if stored["format_version"] != FORMAT_VERSION:
        raise InputError(
            f"the clustering was saved in format {stored['format_version']}",
            where=folder / "model.json",
            allowed=[FORMAT_VERSION],
            remedy="fit it again",
        )
    with np.load(folder / "model.npz", allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    kind = FrozenTable if stored["kind"] == VARIABLES else FrozenVectors
    reader = kind.from_state(stored, arrays)
    described = reader if isinstance(reader, FrozenTable) else None
    if stored["described"] is not None:
        described = FrozenTable.from_state(stored["described"], arrays)
    return Model(
        representation=stored["representation"],
        source=stored["source"],
        chosen=stored["chosen"],
        supported=stored["supported"],
        reader=reader,
        partitions={(one["arm"], one["k"]): _partition(one, arrays) for one in stored["partitions"]},
        patient=unpack(stored["patient"], arrays).astype(np.int64),
        settings=PhenotypeSettings.parse(stored["settings"], where=str(folder / "model.json")),
        described=described,
    )


def _reader(
    data: ArmInput, clustered: Sequence[Clustered], settings: PhenotypeSettings
) -> FrozenVectors | FrozenTable:
    fitted = clustered[0].fitted
    if isinstance(fitted, VectorsSpace):
        return FrozenVectors.of(data.representation(), fitted)
    return FrozenTable.of(data.variables(), clustered, settings=settings.table)


def _described(data: ArmInput, settings: PhenotypeSettings, arrays: dict[str, Array]) -> Any:
    """The variables beside a representation; variables that are clustered are told already."""
    if data.features is None or data.table is None:
        return None
    return FrozenTable.of(data.table, [], settings=settings.table).state(arrays)


def _entry(
    one: Clustered, k: int, own: Partition, data: ArmInput, arrays: dict[str, Array]
) -> dict[str, Any]:
    by = one.exemplars.get(k)
    assigning, cluster, distance = own.model, own.cluster, own.distance
    if by is not None:
        assigning = by.arrays
        cluster, distance = exemplars.assign(by.arrays, shown(data))
    distances = sorted_distances(own.cluster, own.distance, k)
    typical = typicality_among(distances, cluster, distance)
    return {
        "arm": one.arm.name,
        "k": k,
        "by_exemplars": by is not None,
        "agreement": pack(None if by is None else by.agreement, arrays),
        "arrays": {name: pack(value, arrays) for name, value in assigning.items()},
        "distances": pack(distances, arrays),
        "cluster": pack(cluster.astype(np.int32), arrays),
        "typicality": pack(typical.astype(np.float32), arrays),
    }


def _partition(stored: dict[str, Any], arrays: dict[str, Array]) -> SavedPartition:
    return SavedPartition(
        arrays={name: unpack(value, arrays) for name, value in stored["arrays"].items()},
        by_exemplars=stored["by_exemplars"],
        agreement=unpack(stored["agreement"], arrays),
        distances=unpack(stored["distances"], arrays),
        cluster=unpack(stored["cluster"], arrays).astype(np.int64),
        typicality=unpack(stored["typicality"], arrays),
    )


def sorted_distances(cluster: Array, distance: Array, k: int) -> Array:
    """Distances of the members of each cluster, from the least: float64 [k, m], NaN after the last.

    Of a cluster with more than 1,001 members these are 1,001 quantiles.

    Examples:
        >>> sorted_distances(np.array([0, 1, 0, -1]), np.array([3.0, 2.0, 1.0, 9.0]), 2).tolist()
        [[1.0, 3.0], [2.0, nan]]
    """
    members = [np.sort(distance[cluster == number]) for number in range(k)]
    grid = np.linspace(0, 1, _MOST_DISTANCES)
    kept = [np.quantile(one, grid) if len(one) > _MOST_DISTANCES else one for one in members]
    out = np.full((k, max((len(one) for one in kept), default=0)), np.nan)
    for row, one in zip(out, kept, strict=True):
        row[: len(one)] = one
    return out
