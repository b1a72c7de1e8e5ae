"""Phenotypes side by side: all arms in the same spaces, how far they agree, artefacts, and the outcome."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from osler.reports.blocks import Block, Callout, Column, Details, Figures, Heading, Row, Section, Table, say
from osler.reports.compared import Compared, arm_words, compared
from osler.reports.formats import MISSING, number
from osler.reports.runfiles import RunFiles
from osler.reports.sections.arms_artefacts import artefact_blocks
from osler.reports.sections.arms_flow import flow
from osler.reports.sections.arms_outcome import separation_blocks
from osler.reports.words import task_title

_CAVEAT = (
    "A silhouette measured in an arm's own space says how far to divide in that space, and nothing about "
    "another arm: a space of few dimensions gives large values to any partition. To set arms against each "
    "other read the second table, in which every partition is measured in every space. An arm is favoured in "
    "its own."
)
_MOST_IN_VIEW = 8


def section(run: RunFiles) -> Section | None:
    """The comparisons of all tasks."""
    found = [one for task in run.tasks() if (one := compared(run, task)) is not None]
    if not found:
        return None
    blocks: list[Block] = [Callout(_CAVEAT, tone="caution")]
    for one in found:
        if len(found) > 1:
            blocks.append(Heading(task_title(run, one.task)))
        blocks += _blocks(run, one)
    return Section("arms", "Phenotypes side by side", tuple(blocks)) if len(blocks) > 1 else None


def _blocks(run: RunFiles, one: Compared) -> list[Block]:
    blocks: list[Block] = []
    if "scores" in one.tables:
        blocks += [_own_table(one), _shared_table(one)]
    if "agreement" in one.tables:
        blocks.append(_agreement_table(one))
    figure = flow(run, one)
    if figure is not None:
        shown = Figures((figure,))
        tall = len(one.chosen) > _MOST_IN_VIEW
        blocks.append(Details("Flow between the arms", (shown,)) if tall else shown)
    blocks += artefact_blocks(one)
    blocks += separation_blocks(one)
    if "scores" in one.tables:
        blocks.append(Details("Every k in every space", (_every_table(one),)))
    return blocks


def _own_table(one: Compared) -> Table:
    """Arms by number of clusters."""
    own = one.tables["scores"].filter("own")
    ks = sorted(one.tables["scores"]["k"].unique().to_list())
    value = {(row["arm"], row["k"]): row["silhouette_micro"] for row in own.iter_rows(named=True)}
    rows = tuple(
        Row((arm_words(arm), *(_marked(value.get((arm, k)), strong=k == one.chosen.get(arm)) for k in ks)))
        for arm in one.arms
    )
    columns = (Column("Arm", numeric=False), *(Column(f"k = {k}") for k in ks))
    notes = (
        "Bold: the k chosen, which the silhouette does not decide. No value: the arm clusters the variables "
        "themselves and has no space.",
    )
    title = "Silhouette by arm and number of clusters, each in its own space"
    return Table(title, columns, rows, files=(one.file("scores"),), notes=notes)


def _shared_table(one: Compared) -> Table:
    spaces = [str(space) for space in one.facts.get("spaces") or []]
    return Table(
        "Silhouette of the chosen partitions, each in every space",
        (Column("Arm", numeric=False), Column("k"), *(Column(_space_words(space)) for space in spaces)),
        _rows_in(one, [(arm, k) for arm, k in one.chosen.items()], spaces),
        files=(one.file("scores"),),
        notes=(
            "Bold: the arm's own space. Read down a column. "
            f"{int(one.facts.get('n_scored') or 0):,} samples are scored.",
        ),
    )


def _every_table(one: Compared) -> Table:
    spaces = [str(space) for space in one.facts.get("spaces") or []]
    keys = one.tables["scores"].select("arm", "k").unique().sort("arm", "k").rows()
    return Table(
        "Silhouette of every partition in every space",
        (Column("Arm", numeric=False), Column("k"), *(Column(_space_words(space)) for space in spaces)),
        _rows_in(one, sorted(keys, key=lambda key: (list(one.arms).index(key[0]), key[1])), spaces),
        files=(one.file("scores"),),
    )


def _rows_in(one: Compared, keys: Sequence[tuple[str, int]], spaces: Sequence[str]) -> tuple[Row, ...]:
    value = {
        (row["arm"], row["k"], row["space"]): (row["silhouette_micro"], row["own"])
        for row in one.tables["scores"].iter_rows(named=True)
    }
    rows = []
    for arm, k in keys:
        cells = [value.get((arm, k, space), (None, False)) for space in spaces]
        rows.append(Row((arm_words(arm), str(k), *(_marked(score, strong=own) for score, own in cells))))
    return tuple(rows)


def _marked(value: float | None, *, strong: bool) -> str:
    shown = number(value, 2)
    return say("<strong>{}</strong>", shown) if strong and shown != MISSING else shown


def _space_words(space: str) -> str:
    return {"gower": "Gower, variables", "famd": "FAMD, variables"}.get(space, space)


def _agreement_table(one: Compared) -> Table:
    """Adjusted Rand index of each pair below the diagonal, adjusted mutual information above it."""
    arms = list(one.chosen)
    rand = np.full((len(arms), len(arms)), np.nan)
    mutual = np.full_like(rand, np.nan)
    for row in one.tables["agreement"].filter(pl.col("adjusted_rand").is_not_null()).iter_rows(named=True):
        pair = arms.index(row["arm"]), arms.index(row["other_arm"])
        for a, b in (pair, pair[::-1]):
            rand[a, b], mutual[a, b] = row["adjusted_rand"], row["adjusted_mutual_information"]
    rows = [
        Row(
            (
                f"{place + 1}  {arm_words(arm)}",
                *(
                    "" if other == place else number((rand if other < place else mutual)[place, other], 2)
                    for other in range(len(arms))
                ),
            )
        )
        for place, arm in enumerate(arms)
    ]
    return Table(
        "How far the chosen partitions agree",
        (Column("Arm", numeric=False), *(Column(str(place + 1)) for place in range(len(arms)))),
        tuple(rows),
        files=(one.file("agreement"),),
        notes=(
            "Below the diagonal the adjusted Rand index, above it adjusted mutual information: 1 is the same "
            "partition, 0 what chance gives. Arms that find the same patients from different sides agree; "
            "arms that divide a continuum at different places do not.",
        ),
    )
