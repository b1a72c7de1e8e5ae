"""What is written about the clusters that were chosen, beside their cards: names, patients, survival."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.files import write_parquet
from osler.models.servers.chat import Chat
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.data import ArmInput
from osler.phenotyping.follow_up import FollowUp
from osler.phenotyping.names import NAMES, name_table
from osler.phenotyping.nearest import EXEMPLARS, exemplar_table
from osler.phenotyping.results import Results
from osler.phenotyping.survival import survivals
from osler.task.labels import Labels


def write_chosen(
    part: Path,
    clustered: Sequence[Clustered],
    found: Sequence[Results],
    labels: Labels,
    data: ArmInput,
    *,
    most: int,
    texts: Path | None,
    follow: FollowUp | None,
    chat: Chat | None,
) -> dict[str, Any]:
    """Write `names.parquet`, `exemplars.parquet` (patient data) and `survival.parquet`.

    Args:
        part: folder of the results.
        clustered: what each arm made of the samples.
        found: what is known of each, in the same order.
        labels: the samples.
        data: what was clustered.
        most: exemplar patients of each cluster.
        texts: folder of their texts, or None.
        follow: follow-up of the samples, or None.
        chat: the model that names clusters; None: they are named by rule.

    Returns:
        Facts of the survival by arm (`survival.survivals`).
    """
    group = labels.samples["group_id"].to_numpy()
    picked = [
        (one, results, k) for one, results in zip(clustered, found, strict=True) if (k := results.choice.k)
    ]
    exemplars = [
        exemplar_table(one, k, labels.frame, group=group, most=most, texts=texts, table=data.table)
        for one, _, k in picked
    ]
    names = [
        name_table(results.tables["effects"], results.name, k, chat)
        for _, results, k in picked
        if "effects" in results.tables
    ]
    partitions = {results.name: (k, one.partitions[k].cluster) for one, results, k in picked}
    curves, survival = survivals(partitions, follow, group=group)
    together = pl.concat([pl.DataFrame(schema=EXEMPLARS), *exemplars])
    write_parquet(part / "exemplars.parquet", together, private=True)
    write_parquet(part / "names.parquet", pl.concat([pl.DataFrame(schema=NAMES), *names]))
    write_parquet(part / "survival.parquet", curves)
    return survival
