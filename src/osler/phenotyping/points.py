"""What a method of clustering may use of the samples: coordinates, distances, or the variables themselves."""

from dataclasses import dataclass

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable


@dataclass(frozen=True)
class Points:
    """The samples in a space.

    Attributes:
        coordinates: float [n, d], Euclidean; None where the space has none.
        distances: float32 [n, n] between the samples, or [n, m] to the m samples that the space was fitted
            on; None where the space has coordinates.
        table: the variables themselves; None where the space has none.
    """

    coordinates: Array | None = None
    distances: Array | None = None
    table: TypedTable | None = None

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        for found in (self.coordinates, self.distances):
            if found is not None:
                return len(found)
        return self.variables().n_samples

    def euclidean(self) -> Array:
        """The coordinates.

        Raises:
            InputError: the space has none.
        """
        if self.coordinates is None:
            raise InputError(
                "this method needs coordinates, and the space has none", remedy="name another arm"
            )
        return self.coordinates

    def variables(self) -> TypedTable:
        """The variables.

        Raises:
            InputError: the space has none.
        """
        if self.table is None:
            raise InputError("this method needs variables, and the space has none", remedy="name another arm")
        return self.table
