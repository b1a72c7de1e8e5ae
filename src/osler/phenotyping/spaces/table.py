"""The variables themselves as a space, for methods that read mixed variables (k-prototypes, classes)."""

from dataclasses import dataclass

from osler.phenotyping.columns import Columns
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class TableSpace:
    """The variables that were clustered.

    Attributes:
        points: the samples with their table.
        columns: the variables, to which those of other samples are matched.
    """

    points: Points
    columns: Columns

    def place(self, data: ArmInput) -> Points:
        """Other samples with the same variables.

        Raises:
            InputError: no table, or it lacks a variable.
        """
        table = data.variables()
        values = self.columns.align(table)
        if values is table.values:
            return Points(table=table)
        given = {variable.name: variable for variable in table.variables}
        variables = tuple(
            type(given[name])(**{**vars(given[name]), "levels": levels})
            for name, levels in zip(self.columns.names, self.columns.levels, strict=True)
        )
        return Points(table=TypedTable(variables, values))

    def arrays(self) -> dict[str, Array]:
        """What `place` needs."""
        return self.columns.arrays()


def fit(data: ArmInput, *, settings: PhenotypeSettings, seed: int) -> TableSpace:
    """The samples with their table; nothing is learned but which variables there are.

    Args:
        data: its table.
        settings: not used.
        seed: not used.

    Raises:
        InputError: there is no table.
    """
    table = data.variables()
    return TableSpace(points=Points(table=table), columns=Columns.of(table))


def load(arrays: dict[str, Array]) -> TableSpace:
    """The space that `TableSpace.arrays` describes; it has no samples of its own."""
    return TableSpace(points=Points(), columns=Columns.from_arrays(arrays))
