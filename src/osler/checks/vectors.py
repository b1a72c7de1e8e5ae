"""Are there vectors, all of one length, finite, one per key?"""

import numpy as np
import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, Finding, example
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY

_KEYS = {"document": list(SAMPLE_KEY), "statement": ["statement_id"]}
_REMEDY = "encode again with `osler encode`"


def check(place: Place) -> list[Finding]:
    """Look at every vector once, file by file."""
    findings: list[Finding] = []
    lengths: set[int] = set()
    rows = 0
    for unit, key in _KEYS.items():
        for file in sorted((place.path / unit).glob("*.parquet")):
            frame = read_whole(file)
            rows += frame.height
            vectors = frame["vector"]
            sizes = vectors.arr.len() if isinstance(vectors.dtype, pl.Array) else vectors.list.len()
            lengths.update(sizes.drop_nulls().unique().to_list())
            flat = vectors.explode().cast(pl.Float64).to_numpy()
            strange = ~np.isfinite(flat)
            owner = np.repeat(np.arange(frame.height), np.maximum(sizes.fill_null(0).to_numpy(), 1))
            repeated = frame.filter(~pl.struct(key).is_first_distinct())
            for count, concerned, what in (
                (repeated.height, repeated, "keys with more than one vector"),
                (int(strange.sum()), frame[owner[strange]], "numbers that are not finite"),
            ):
                if count:
                    findings.append(
                        Finding(
                            BROKEN,
                            what,
                            file=str(file),
                            count=count,
                            example=example(**concerned.select(key).row(0, named=True)),
                            remedy=_REMEDY,
                        )
                    )
    if not rows:
        findings.append(
            Finding(
                BROKEN,
                "there are no vectors",
                file=str(place.path),
                count=0,
                example=example(file=place.path),
                remedy=_REMEDY,
            )
        )
    if len(lengths) > 1:
        named = ", ".join(map(str, sorted(lengths)))
        findings.append(
            Finding(
                BROKEN,
                f"vectors of different lengths ({named})",
                file=str(place.path),
                column="vector",
                count=len(lengths),
                example=example(file=place.path),
                remedy=_REMEDY,
            )
        )
    return findings or [Finding(OK, f"{rows:,} vectors of length {max(lengths)}", file=str(place.path))]
