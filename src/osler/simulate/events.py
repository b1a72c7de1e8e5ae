"""Collecting events as arrays of numbers and turning them into a frame once."""

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from osler.simulate.hospitals import Integers
from osler.simulate.phenotypes import Floats
from osler.simulate.vocabulary import Vocabulary


@dataclass(frozen=True)
class Visits:
    """What events hang on: stays first, then outpatient visits; one entry per visit.

    Attributes:
        subject_id, visit_id: identifiers.
        hospital: row of the hospital.
    """

    subject_id: Integers
    visit_id: Integers
    hospital: Integers


@dataclass
class Events:
    """Events of the visits of one block, added in arrays."""

    visits: Visits
    _visit: list[Integers] = field(default_factory=list)
    _time: list[Integers] = field(default_factory=list)
    _code: list[Integers] = field(default_factory=list)
    _value: list[Floats] = field(default_factory=list)

    def add(self, visit: Integers, time: Integers, code: Integers | int, value: Floats | None = None) -> None:
        """Add one event for each entry.

        Args:
            visit: rows of `Visits`.
            time: microseconds since 1970.
            code: positions in the vocabulary, or one position for all.
            value: numbers; NaN or absent where there is none.
        """
        count = len(visit)
        self._visit.append(visit.astype(np.int32))
        self._time.append(time)
        self._code.append(np.broadcast_to(np.asarray(code, dtype=np.int32), (count,)))
        self._value.append((np.full(count, np.nan) if value is None else value).astype(np.float32))

    def frame(self, vocabulary: Vocabulary, sites: list[str]) -> pl.DataFrame:
        """The events as a MEDS frame with unit, visit_id and site."""
        visit = np.concatenate(self._visit)
        code = pl.Series(np.concatenate(self._code))
        site = pl.Series(self.visits.hospital[visit])
        return pl.DataFrame(
            {
                "subject_id": self.visits.subject_id[visit],
                "time": pl.Series(np.concatenate(self._time)).cast(pl.Datetime("us")),
                "code": vocabulary.codes.gather(code),
                "numeric_value": pl.Series(np.concatenate(self._value)).fill_nan(None),
                "unit": vocabulary.units.gather(code),
                "visit_id": self.visits.visit_id[visit],
                "site": pl.Series(sites).gather(site),
            }
        )
