"""What the artefact tests of one arm say, in a sentence, and what they name as the cause of its clusters."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from osler.phenotyping.artefact_table import CHANGED, CONTROL, DIRECTION, ORDER, REMADE, TRACE, WITHOUT

MADE = 0.5  # share of a trace between the clusters from which the clusters are said to be made by it
GONE = 0.25  # adjusted Rand index below which a partition is not the same any more
KEPT = 0.75  # and from which it is the same
CUT = "tokens cut off"  # the trace of texts of which the encoder reads the first window only
MOVED = 0.25  # share of samples in another cluster from which the order of statements is said to make it
FOLLOWS = 0.5  # squared rank correlation from which a direction is said to follow a trace


def artefact_words(table: pl.DataFrame) -> dict[str, Any]:
    """The sentence of one arm and the artefacts that it names.

    That a partition disappears without one direction is told and named as no artefact by itself: a clinical
    difference may lie along one direction, too. It is one where the direction follows a trace, or where the
    partition is not found again without what the traces predict.

    Args:
        table: the rows of one arm and k (`artefact_table.ARTEFACTS`).

    Returns:
        `artefacts`, the causes, empty where none was found; `sentence`.

    Examples:
        >>> from osler.phenotyping.artefact_table import ARTEFACTS
        >>> row = ("main/kmeans", 2, TRACE, "tokens of the text", 0.8, 0.7, 0.9, None, 300)
        >>> artefact_words(pl.DataFrame([row], schema=ARTEFACTS, orient="row"))
        {'artefacts': ['tokens of the text'], 'sentence': 'The clusters follow tokens of the text (80 % of \
the variance of its ranks lies between them).'}
    """
    found = {(row["test"], row["what"]): row for row in table.to_dicts() if row["value"] is not None}
    causes = [what for (test, what), row in sorted(found.items()) if test == TRACE and row["value"] >= MADE]
    parts = [f"the clusters follow {_shares(found, causes)}"] if causes else []
    parts += _remade(found, causes)
    moved = found.get((ORDER, CHANGED))
    if moved is not None:
        share = f"{100 * moved['value']:.0f} % of the samples change their cluster"
        if moved["value"] >= MOVED:
            causes.append("order of the statements")
            parts.append(f"with the statements in another order {share}")
            if (TRACE, CUT) in found:
                parts[-1] += ", since the encoder reads the first window only and is shown other statements"
        else:
            parts.append(f"another order of the statements does little: {share}")
    if not causes:
        traces = {what: row["value"] for (test, what), row in found.items() if test == TRACE}
        most = max(traces, key=lambda what: traces[what], default=None)
        told = "" if most is None else f" ({most} goes with them most: {100 * traces[most]:.0f} %)"
        parts.insert(0, f"no test names an artefact of the clusters{told}")
    sentence = "; ".join(parts) + "."
    return {"artefacts": causes, "sentence": sentence[:1].upper() + sentence[1:]}


def _shares(found: Mapping[tuple[str, str], Mapping[str, Any]], causes: list[str]) -> str:
    shares = [f"{cause} ({100 * found[TRACE, cause]['value']:.0f} %" for cause in causes]
    shares[0] += " of the variance of its ranks lies between them"
    return " and ".join(f"{share})" for share in shares)


def _remade(found: Mapping[tuple[str, str], Mapping[str, Any]], causes: list[str]) -> list[str]:
    """What is left of the partition without directions and without what traces predict."""
    parts = []
    gone = [
        what
        for (test, what), row in found.items()
        if test == REMADE and "direction" in what and row["value"] < GONE
    ]
    if gone:
        row = found[REMADE, gone[0]]
        direction = [
            what for (test, what), one in found.items() if test == DIRECTION and one["value"] >= FOLLOWS
        ]
        share = f"{100 * row['removed']:.0f} % of their variance"
        words = f"the partition disappears {gone[0]} of the vectors ({share})"
        if direction and gone[0] == "without 1 direction":
            words += f", which follows {' and '.join(direction)}"
            causes += [name for name in direction if name not in causes]
        parts.append(words)
    elif any(test == REMADE for test, _ in found):
        parts.append("the partition survives without its leading directions")
    left, control = found.get((REMADE, WITHOUT)), found.get((REMADE, CONTROL))
    if left is not None and control is not None:
        told = f"adjusted Rand index {left['value']:.2f}"
        if left["value"] >= GONE:
            how = "found again" if left["value"] >= KEPT else "found again in part"
            parts.append(f"without what length and missing values predict it is {how} ({told})")
        elif control["value"] < 2 * GONE:
            parts.append(f"any small change of the vectors undoes it ({told})")
        else:
            parts.append(f"it is not found again without what length and missing values predict ({told})")
            causes += [] if causes else ["length or missing values"]
    return parts
