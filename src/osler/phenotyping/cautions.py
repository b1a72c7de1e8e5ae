"""What of the input may make clusters that are not of the patients: told before they are read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from osler.phenotyping.partition import Array
from osler.phenotyping.settings import VARIABLES
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.task.events import scan_shard

_OUTCOME = "outcome"
_CUT = "cut off"
_FEW = 11
_SHOWN = 5


def cautions(
    dataset: Dataset, samples: pl.DataFrame, *, source: Mapping[str, Any], traces: Mapping[str, Array]
) -> list[str]:
    """Sentences about a representation that is to be clustered; none of them stops the work.

    Args:
        dataset: the dataset behind it.
        samples: `subject_id, prediction_time`.
        source: what the representation was made from, as `inputs.make_features` tells it.
        traces: of the texts behind it, as `inputs.text_traces` tells them; empty for counts.

    Returns:
        One sentence each about: texts of which something was cut off, an instruction that says what to look
        for, and codes with the role `outcome` that samples have by their prediction time.
    """
    found = []
    for what, trace in traces.items():
        n_cut = int((np.asarray(trace) > 0).sum()) if what.endswith(_CUT) else 0
        if n_cut:
            found.append(
                f"{_count(n_cut)} of {len(trace):,} texts have {what}: a cluster may be of what is left"
            )
    instruction = source.get("instruction")
    asked = instruction.get("name") if isinstance(instruction, Mapping) else None
    if asked not in (None, "none"):
        found.append(
            f"the vectors were made under the instruction '{asked}': clusters may be of what it asks for"
        )
    known = known_outcomes(dataset, samples) if source.get("kind") != VARIABLES else {}
    if known:
        names = [f"{code} ({_count(n)} samples)" for code, n in list(known.items())[:_SHOWN]]
        rest = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
        found.append(
            f"outcomes take part, since they are dated before the prediction time: {', '.join(names)}{rest}: "
            "clusters may be of what came after"
        )
    return found


def known_outcomes(dataset: Dataset, samples: pl.DataFrame) -> dict[str, int]:
    """Codes with the role `outcome` in the code book that samples have by their prediction time.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`.

    Returns:
        Code -> samples that have it, the most frequent first.
    """
    codes = dataset.codes.filter(pl.col("role") == _OUTCOME)["code"].to_list()
    if not codes:
        return {}
    keys = samples.select(SAMPLE_KEY).lazy()
    parts = [
        scan_shard(shard)
        .filter(pl.col("code").is_in(codes))
        .join(keys, on="subject_id")
        .filter(pl.col("time").is_null() | (pl.col("time") <= pl.col("prediction_time")))
        .select(*SAMPLE_KEY, "code")
        .unique()
        .collect(engine="streaming")
        for shard in dataset.shards
    ]
    counted = pl.concat(parts).group_by("code").len().sort("len", "code", descending=[True, False])
    return dict(counted.iter_rows())


def _count(n: int) -> str:
    return f"{n:,}" if n >= _FEW else f"fewer than {_FEW}"
