"""The option "None" of groups of checkboxes."""

import numpy as np
import pytest

from osler.represent.typed import TypedTable, Variable
from osler.represent.typed_checkboxes import fold_none


def test_none_of_a_group_is_folded() -> None:
    named = {
        "a___1": "Symptoms?[Rash]",
        "a___2": "Symptoms?[Coma (none responsive)]",
        "a___3": "Symptoms. Note: not those of malaria.[None]",
        "b___1": "Drugs (choice=Aspirin)",
        "b___0": "Drugs (choice=None of the above)",
        "c___1": "Alone: none",
        "d": "None",
        "e___1": "Fuel: Nonesuch",
        "e___2": "Fuel: Wood",
    }
    variables = [Variable(name, label, "flag") for name, label in named.items()]
    variables.append(Variable("a___9", "Symptoms?[None]", "numeric"))
    values = np.zeros((4, 10))
    values[:, :3] = [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, np.nan, 1]]
    values[:, 3] = np.nan
    kept, folded = fold_none(TypedTable(tuple(variables), values))
    assert [one.name for one in folded] == ["a___3", "b___0"]
    assert [variable.name for variable in kept.variables] == [
        "a___1", "a___2", "b___1", "c___1", "d", "e___1", "e___2", "a___9",
    ]  # fmt: skip
    assert kept.values.shape == (4, 8)
    assert folded[0].implied == pytest.approx(2 / 3)
    assert np.isnan(folded[1].implied)
    assert folded[1].group == "b"
    assert fold_none(kept)[1] == ()
