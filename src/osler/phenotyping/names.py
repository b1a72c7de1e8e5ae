"""Names of the clusters that an arm chose: by rule, or by a chat server's model checked against the card.

What a server is sent is the card: labels of variables, means and shares of the cluster and of the others.
Findings that fewer than eleven samples carry, and numbers known of fewer on either side, are not on it. A
server is asked only on this machine, or on a host that was allowed by name
(`osler.models.servers.address`).
"""

import polars as pl

from osler.base.errors import InputError
from osler.models.servers.chat import Chat, open_chat
from osler.phenotyping.cards import card_rows
from osler.phenotyping.naming import CardRow, Name, name_by_model, name_by_rule

RULE = "rule"
NAMES: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "name": pl.String(),
    "by_rule": pl.String(),
    "sentence": pl.String(),
    "by": pl.String(),
    "refused": pl.String(),
    "card": pl.List(pl.String()),
}
_ROWS = 12  # findings on a card
_FEWEST = 11  # samples with a finding, or with a number on either side
_NO_ANSWER = "the server gave no answer"


def open_namer(names: str) -> Chat | None:
    """The model that names clusters; None: they are named by rule.

    The server is asked for one word first, so that a wrong address is known before hours of fitting.

    Args:
        names: `rule`, or the address of a chat model, `http://HOST:PORT/v1#MODEL`.

    Raises:
        InputError: not such an address, a host that was not allowed, or a server that does not answer.
    """
    if names == RULE:
        return None
    chat = open_chat(names)
    chat.ask("Answer with one word.", "Are you there?")
    return chat


def name_table(effects: pl.DataFrame, arm: str, k: int, chat: Chat | None) -> pl.DataFrame:
    """The name of each cluster of a partition.

    Args:
        effects: of the partition, as `cards.effect_table` gives them.
        arm: name of the arm.
        k: number of clusters.
        chat: the model; None: by rule.

    Returns:
        `NAMES`: `name`, `by_rule` (what the rule says), `sentence` (of a model), `by` (`rule` or the name of
        the model), `refused` (why what a model wrote was not accepted; the name by rule stands), and the rows
        of the `card`.
    """
    carriers = pl.col("carriers_inside") + pl.col("carriers_outside")
    known = pl.min_horizontal("n_inside", "n_outside")
    common = effects.filter(pl.coalesce(carriers, known) >= _FEWEST)
    rows = []
    for number in range(k):
        card = card_rows(common, number, rows=_ROWS)
        named = by_rule = name_by_rule(card)
        if chat is not None and card:
            named = _asked(card, chat)
        texts = [f"[{row.number}] {row.text}" for row in card]
        told = (named.name, by_rule.name, named.sentence or None, named.by, named.refused, texts)
        rows.append((arm, k, number, *told))
    return pl.DataFrame(rows, schema=NAMES, orient="row")


def _asked(card: list[CardRow], chat: Chat) -> Name:
    try:
        return name_by_model(card, chat.ask, model=chat.address.model)
    except InputError as error:
        fallback = name_by_rule(card)
        return Name(fallback.name, "", RULE, f"{_NO_ANSWER}: {error.what}")
