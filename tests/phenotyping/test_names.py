"""Names of clusters by a real server process: on the card they stand, else the rule's, with the reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from mixed_tables import mixed_table
from test_assign_variables import PLAIN
from test_phenotypes_command import run
from test_phenotypes_fit import labels_of

from osler.base.errors import InputError
from osler.models.servers.chat import open_chat
from osler.phenotyping.cards import card_rows, effect_table
from osler.phenotyping.fit import fit_phenotypes
from osler.phenotyping.names import NAMES, name_table, open_namer
from osler.phenotyping.naming import name_by_rule
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable, Variable

Start = Callable[[str], str]


@pytest.fixture
def server(start_server: Start) -> Start:
    """Starts a server and gives the address of its chat model."""
    return lambda fault: f"{start_server(fault)}/v1#namer"


@pytest.fixture(scope="module")
def effects() -> pl.DataFrame:
    table, truth = mixed_table(200)
    return effect_table("lca", truth, table, used=np.ones(12, dtype=bool))


def test_by_rule_without_a_server(effects: pl.DataFrame) -> None:
    found = name_table(effects, "lca", 3, open_namer("rule"))
    assert found.schema == NAMES
    for number, row in enumerate(found.iter_rows(named=True)):
        card = card_rows(effects, number, rows=12)
        assert row["card"] == [f"[{one.number}] {one.text}" for one in card]
        assert (row["name"], row["by"], row["refused"]) == (row["by_rule"], "rule", None)
        assert row["by_rule"] == name_by_rule(card).name


def test_what_is_on_the_card_is_accepted(effects: pl.DataFrame, server: Start) -> None:
    found = name_table(effects, "lca", 3, open_namer(server("honest")))
    for row in found.iter_rows(named=True):
        label = row["card"][0].removeprefix("[1] ").split(":")[0]
        assert (row["by"], row["refused"]) == ("namer", None)
        assert (row["name"], row["sentence"]) == (label, f"Patients with {label}.")


def test_what_is_not_on_the_card_is_refused_with_the_reason(effects: pl.DataFrame, server: Start) -> None:
    by_rule = name_table(effects, "lca", 3, None)
    found = name_table(effects, "lca", 3, open_namer(server("inventive")))
    assert found["by"].to_list() == ["rule"] * 3
    assert found["name"].to_list() == found["by_rule"].to_list() == by_rule["name"].to_list()
    assert found["refused"].to_list() == ["'dragon' is not on row 1"] * 3
    # An answer that is no JSON.
    found = name_table(effects, "lca", 3, open_namer(server("none")))
    assert found["refused"].to_list() == ["the answer is not the JSON that was asked for"] * 3


def test_a_server_that_fails(effects: pl.DataFrame, server: Start) -> None:
    chat = open_chat(server("500:99"))
    chat.sleep = lambda seconds: None
    found = name_table(effects, "lca", 3, chat)
    # The server lets the first request through, which is an answer without JSON.
    assert found["refused"][1].startswith("the server gave no answer: the server failed 6 times")
    assert found["by"].to_list() == ["rule"] * 3
    with pytest.raises(InputError, match="records would leave this machine"):
        open_namer("http://gpu.example.org/v1#m")
    with pytest.raises(InputError, match="names: give `rule`"):
        PhenotypeSettings.parse({"names": "gpt"}, where="phenotype")


def test_rare_findings_are_not_on_the_card() -> None:
    inside = np.arange(200) < 100
    rare = np.zeros(200)
    rare[:9] = 1
    common = inside.astype(float)
    common[:20] = 0
    flags = (Variable("rare", "Kuru", "flag"), Variable("common", "Fever", "flag"))
    table = TypedTable(flags, np.stack([rare, common], axis=1))
    made = effect_table("lca", np.where(inside, 0, 1), table, used=np.ones(2, dtype=bool))
    assert made.filter(pl.col("variable") == "rare", pl.col("cluster") == 0)["smd"].item() > 0.2
    assert name_table(made, "lca", 2, None)["name"].to_list() == ["Fever", "less Fever"]


def test_fit_and_command(server: Start, saved: tuple[Path, Path, Path], tmp_path: Path) -> None:
    table, truth = mixed_table(160)
    labels = labels_of(tmp_path / "l", truth == 0)
    address = server("honest")
    how = PLAIN.model_copy(update={"arms": ("kprototypes",), "k": (3, 3), "splits": 2, "names": address})
    fit_phenotypes(labels, None, tmp_path / "p", settings=how, table=table)
    found = pl.read_parquet(tmp_path / "p" / "names.parquet")
    assert found["by"].to_list() == ["namer"] * 3
    dataset, samples, _ = saved
    arguments = ("fit", samples, "--dataset", dataset, "--arm", "kprototypes", "--k", 2, 2, "--bootstraps", 0,
                 "--references", 0)  # fmt: skip
    run(*arguments, "--names", server("inventive"), "-o", tmp_path / "q")
    found = pl.read_parquet(tmp_path / "q" / "names.parquet")
    assert found["by"].to_list() == ["rule", "rule"]
    assert found["refused"].null_count() == 0
    with pytest.raises(InputError, match="records would leave this machine"):
        run(*arguments, "--names", "http://gpu.example.org/v1#m", "-o", tmp_path / "r")
    assert not (tmp_path / "r" / "names.parquet").exists()
