"""How a saved clustering of variables reads new samples: the same variables, levels and scales."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.columns import Columns
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import VARIABLES
from osler.phenotyping.store import pack, unpack
from osler.represent.settings import TypedSettings
from osler.represent.typed import TypedTable, Variable, share_missing


@dataclass(frozen=True)
class FrozenTable:
    """Variables as they were clustered.

    Attributes:
        variables: the p variables, with their levels.
        settings: how the table was made.
        known_share: share of the cells of the fitted samples that were known.
        spaces: arm -> arrays of its fitted space (`Arm.keep`).
    """

    variables: tuple[Variable, ...]
    settings: TypedSettings
    known_share: float
    spaces: dict[str, dict[str, Array]]

    @classmethod
    def of(
        cls, table: TypedTable, clustered: Sequence[Clustered], *, settings: TypedSettings
    ) -> "FrozenTable":
        """What is kept of a table and the spaces that were fitted on it."""
        spaces = {one.arm.name: one.arm.keep(one.fitted) for one in clustered}
        return cls(table.variables, settings, known_share(table), spaces)

    def state(self, arrays: dict[str, Array]) -> dict[str, Any]:
        """As JSON, arrays apart."""
        return {
            "kind": VARIABLES,
            "variables": [{**asdict(one), "levels": list(one.levels)} for one in self.variables],
            "table": self.settings.plain(),
            "known_share": pack(self.known_share, arrays),
            "spaces": {
                arm: {name: pack(array, arrays) for name, array in kept.items()}
                for arm, kept in self.spaces.items()
            },
        }

    @classmethod
    def from_state(cls, stored: dict[str, Any], arrays: dict[str, Array]) -> "FrozenTable":
        """What `state` described."""
        return cls(
            variables=tuple(
                Variable(**{**one, "levels": tuple(one["levels"])}) for one in stored["variables"]
            ),
            settings=TypedSettings.parse(stored["table"], where="the saved clustering"),
            known_share=unpack(stored["known_share"], arrays),
            spaces={
                arm: {name: unpack(array, arrays) for name, array in kept.items()}
                for arm, kept in stored["spaces"].items()
            },
        )

    def place(self, arm: str, table: TypedTable) -> Points:
        """New samples as an arm assigns them; a level that was not clustered is not known.

        Raises:
            InputError: a variable is absent or of another kind.
        """
        one = load_arm(arm)
        columns = Columns.of(TypedTable(self.variables, np.empty((0, len(self.variables)))))
        mine = TypedTable(self.variables, columns.align(table))
        if not one.closed_form:
            return Points(table=mine)
        return one.place(one.restore(self.spaces[arm]), ArmInput(table=mine))


def known_share(table: TypedTable) -> float:
    """Share of the cells of a table that are known; 1 without cells."""
    return float(1 - share_missing(table).mean()) if table.values.size else 1.0


def require_variables(table: TypedTable, *, absent: Sequence[str], allow: bool, where: Any) -> None:
    """Refuse samples of a dataset that lacks variables of a clustering.

    A flag of what was recorded is 0 where its code is in no record, so it is never absent.

    Args:
        table: the new samples, as the clustering reads them.
        absent: variables that the dataset does not know.
        allow: whether up to half of them may be absent; they are then not known of any sample.
        where: the dataset.

    Raises:
        InputError: one is absent and that is not allowed, or more than half are.
    """
    recorded = {variable.name for variable in table.variables if variable.recorded}
    lacking = [name for name in absent if name not in recorded]
    needed = [variable for variable in table.variables if not variable.recorded]
    if not lacking or (allow and 2 * len(lacking) <= len(needed)):
        return
    named = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
    raise InputError(
        f"the dataset lacks {len(lacking)} of {len(needed)} variables that were clustered: {named}",
        where=where,
        count=len(lacking),
        remedy="assign records with the same variables"
        if 2 * len(lacking) > len(needed)
        else "make these variables of the new records too, or allow their absence (--allow-absent)",
    )
