"""What an arm may see of the samples: their variables, and one representation of them. Never the outcome."""

from dataclasses import dataclass, replace

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import VARIABLES
from osler.represent.features import Features
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class ArmInput:
    """The samples as arms are given them; rows of both are the same samples in the same order.

    Attributes:
        table: their variables, for the classical arms; None where there is none.
        features: a representation, for the arms on vectors; None where there is none.
    """

    table: TypedTable | None = None
    features: Features | None = None

    @property
    def name(self) -> str:
        """What is clustered: the representation, or `variables`."""
        return VARIABLES if self.features is None else self.features.name

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return self.variables().n_samples if self.table is not None else self.representation().n_samples

    def take(self, rows: Array) -> "ArmInput":
        """Some samples, in the order given; a sample may be taken more than once (a bootstrap)."""
        features = self.features
        return ArmInput(
            table=None if self.table is None else self.table.take(rows),
            features=None if features is None else replace(features, matrix=features.matrix[rows]),
        )

    def variables(self) -> TypedTable:
        """The table.

        Raises:
            InputError: there is none.
        """
        if self.table is None:
            raise InputError(
                "this arm clusters typed variables, and none were given",
                remedy="name the dataset, or an arm on vectors",
            )
        return self.table

    def representation(self) -> Features:
        """The representation.

        Raises:
            InputError: there is none.
        """
        if self.features is None:
            raise InputError(
                "this arm clusters a representation, and none was given",
                remedy="name vectors, or an arm on variables",
            )
        return self.features
