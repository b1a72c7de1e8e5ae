"""A comparison of phenotypes as `compare_phenotypes` writes it, made up."""

from itertools import pairwise
from pathlib import Path

import polars as pl

from osler.base.files import write_json, write_parquet
from osler.phenotyping.artefact_table import ARTEFACTS
from osler.phenotyping.compare import AGREEMENT, FLOW, SCORES
from osler.phenotyping.gain import SEPARATION

ARMS = {"counts/kmeans": 2, "statements/kmeans": 3, "variables/gower+pam": 2, "variables/lca": None}


def compared(folder: Path, n: int, events: int) -> None:
    """Write the folder of a comparison of four arms, of which one has no k."""
    sentence = "The clusters follow tokens of the text (81 % of the variance of its ranks lies between them)."
    write_json(
        folder / "compare.json",
        {
            "format_version": 1,
            "n_samples": n,
            "n_events": events,
            "n_scored": n,
            "spaces": ["gower", "famd", "counts", "statements"],
            "arms": {
                arm: {
                    "k": k,
                    "highest": {"k": 3, "artefacts": [], "sentence": "Nothing."}
                    if arm == "counts/kmeans"
                    else None,
                    "artefacts": ["tokens of the text"] if arm == "statements/kmeans" else [],
                    **({} if k is None else {"sentence": sentence}),
                }
                for arm, k in ARMS.items()
            },
        },
    )
    spaces = {"counts/kmeans": "counts", "statements/kmeans": "statements", "variables/gower+pam": "gower"}
    scores = [
        (arm, k, space, 0.11 * k + 0.01 * place, 0.1, spaces.get(arm) == space)
        for arm in ARMS
        for k in (2, 3)
        for place, space in enumerate(("counts", "famd", "gower", "statements"))
    ]
    chosen = [(arm, k) for arm, k in ARMS.items() if k is not None]
    agreement = [(*chosen[0], *chosen[1], 0.41, 0.39, n), (*chosen[0], *chosen[2], None, None, 0)]
    agreement.append((*chosen[1], *chosen[2], 0.07, 0.05, n))
    counts = [[n - 700, 400, 300], [n - 1000, 600, 400]]
    flow = []
    for place, ((one, k), (other, other_k)) in enumerate(pairwise(chosen)):
        for cluster in range(k):
            share = counts[place][cluster] - 7
            flow += [
                (one, cluster, other, 0, share, share, 0.9),
                (one, cluster, other, other_k - 1, 7, 7, 0.01),
            ]
    flow.append((chosen[0][0], 1, chosen[1][0], 1, 300, 4, 0.2))
    artefacts = [
        ("statements/kmeans", 3, "between clusters", "tokens of the text", 0.81, 0.7, 0.9, None, n),
        ("counts/kmeans", 2, "between clusters", "missing values", 0.02, 0.0, 0.1, None, n),
        ("statements/kmeans", 3, "made again", "without 1 direction", 0.03, None, None, 0.4, n),
        ("statements/kmeans", 3, "another order", "samples in another cluster", 0.125, None, None, None, 400),
    ]
    alone = (None,) * 4
    separation = [
        ("counts/kmeans", 2, True, 0.021, 0.003, 0.04, 0.003, 0.8, 0.9, "at least 0.75", *alone),
        ("counts/kmeans", 3, False, 0.05, 0.01, 0.09, 0.2, 0.5, 0.6, "below 0.75", *alone),
        (
            *("statements/kmeans", 3, True, 0.002, -0.003, 0.01, 0.7, 0.9, 0.95, "at least 0.75"),
            *("counts/kmeans, k = 2", 0.019, 0.002, 0.036),
        ),
        ("variables/gower+pam", 2, True, 0.1, 0.05, 0.15, 0.001, None, None, "not assessed", *alone),
    ]
    for name, rows, schema in (
        ("scores", scores, SCORES),
        ("agreement", agreement, AGREEMENT),
        ("flow", flow, FLOW),
        ("artefacts", artefacts, ARTEFACTS),
        ("separation", separation, SEPARATION),
    ):
        write_parquet(folder / f"{name}.parquet", pl.DataFrame(rows, schema=schema, orient="row"))
