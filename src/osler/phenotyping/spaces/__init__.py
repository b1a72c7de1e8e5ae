"""Spaces in which samples are clustered, one file each.

A space is a module with `fit(data, *, settings, seed) -> FittedSpace`. Everything that is learned on the way
(imputation, scaling, reduction, pooling) is learned in `fit`, so that a bootstrap refits the whole pipeline.
"""

from typing import Protocol

from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points


class FittedSpace(Protocol):
    """A space as it was fitted on some samples."""

    @property
    def points(self) -> Points:
        """The samples that it was fitted on."""

    def place(self, data: ArmInput) -> Points:
        """Other samples in the same space.

        Raises:
            InputError: the space has no closed form for samples that it was not fitted on.
        """

    def arrays(self) -> dict[str, Array]:
        """What `place` needs, for saving; empty where it cannot."""
