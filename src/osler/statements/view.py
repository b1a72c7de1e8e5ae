"""What each sample may see of a shard: events as integer arrays, samples as ranges of positions.

Events stand in canonical order, so what a sample sees is a range of positions: from the first event of its
subject (or of its look-back window) to the last one at or before its prediction time. No event is copied per
sample, and no event after the last prediction time is looked at.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.schema import SAMPLE_KEY
from osler.statements.book import Book

NO_TIME = int(np.iinfo(np.int64).min)
DAY = 86_400_000_000


@dataclass(frozen=True)
class View:
    """Visible events of one shard and the samples that see them.

    Attributes:
        events: all events of the shard, as given.
        origin: [n] row of `events` of each visible event, ascending.
        row: [n] position of each in the dataset.
        time: [n] microseconds, `NO_TIME` where there is none.
        code: [n] position in the code book.
        subject: [n] number of the subject among those with samples.
        samples: `subject_id, prediction_time`, sorted.
        prediction: [n_samples] microseconds.
        start: [n_samples] first event of the sample's subject.
        fixed: [n_samples] end of the subject's events without time.
        low, high: [n_samples] dated events seen: `low <= position < high`; those without time are seen too.
        last_sample: [n] end (exclusive) of the samples of each event's subject.
        windowed: whether a look-back window hides any dated event.
    """

    events: pl.DataFrame
    origin: np.ndarray
    row: np.ndarray
    time: np.ndarray
    code: np.ndarray
    subject: np.ndarray
    samples: pl.DataFrame
    prediction: np.ndarray
    start: np.ndarray
    fixed: np.ndarray
    low: np.ndarray
    high: np.ndarray
    last_sample: np.ndarray
    windowed: bool

    @property
    def size(self) -> int:
        """Number of visible events."""
        return len(self.code)

    def column(self, name: str, positions: np.ndarray) -> pl.Series:
        """A column of the events at some positions."""
        column = self.events[name]
        if len(self.origin) < len(column):
            positions = self.origin[positions]
        return column.gather(positions)

    def first_seen(self) -> np.ndarray:
        """[n + 1] number of the first sample that sees each event, or the end of its subject's samples."""
        return _counts_up_to(self.high, self.size)

    def left(self) -> np.ndarray:
        """[n] end of the samples whose look-back window holds each event; events without time never leave."""
        if not self.windowed:
            return self.last_sample
        return np.where(
            self.time == NO_TIME, self.last_sample, _counts_up_to(self.low, self.size)[: self.size]
        )


def open_view(
    events: pl.DataFrame, book: Book, samples: pl.DataFrame, *, lookback: float | None = None
) -> View:
    """Lay out the events of a shard for its samples.

    Args:
        events: as `Dataset.read` gives them: canonical order, with `row`.
        book: the code book; it has every code of `events`.
        samples: `subject_id, prediction_time`, unique, without nulls.
        lookback: days before the prediction time from which dated events are seen; None: all.

    Raises:
        InputError: a code is not in the code book, or samples are repeated or have nulls.
    """
    samples = _checked(samples)
    code = _codes(events, book)
    subject_id = events["subject_id"].to_numpy()
    time = events["time"].cast(pl.Datetime("us")).to_physical().fill_null(NO_TIME).to_numpy()
    prediction = samples["prediction_time"].dt.timestamp("us").to_numpy()
    subjects, first_sample = np.unique(samples["subject_id"].to_numpy(), return_index=True)
    sample_ends = np.append(first_sample[1:], samples.height)
    subject_of_sample = np.repeat(np.arange(len(subjects)), sample_ends - first_sample)
    starts = np.searchsorted(subject_id, subjects, side="left")
    ends = np.searchsorted(subject_id, subjects, side="right")
    start, end = starts[subject_of_sample], ends[subject_of_sample]
    fixed = _bisect(time, start, end, np.full(samples.height, NO_TIME))
    high = _bisect(time, fixed, end, prediction)
    low = fixed if lookback is None else _bisect(time, fixed, high, prediction - round(lookback * DAY))

    # A subject's last sample sees everything that its other samples see.
    origin, subject = _spans(starts, high[sample_ends - 1])
    some = len(origin) < events.height
    return View(
        events=events,
        origin=origin,
        row=events["row"].gather(origin).to_numpy() if some else events["row"].to_numpy(),
        time=time[origin] if some else time,
        code=code[origin] if some else code,
        subject=subject,
        samples=samples,
        prediction=prediction,
        start=np.searchsorted(origin, start),
        fixed=np.searchsorted(origin, fixed),
        low=np.searchsorted(origin, low),
        high=np.searchsorted(origin, high),
        last_sample=sample_ends.astype(np.int32)[subject],
        windowed=bool((low > fixed).any()),
    )


def _checked(samples: pl.DataFrame) -> pl.DataFrame:
    samples = samples.select(
        pl.col("subject_id").cast(pl.Int64), pl.col("prediction_time").cast(pl.Datetime("us"))
    ).sort(SAMPLE_KEY)
    nulls = samples.height - samples.drop_nulls().height
    if nulls:
        raise InputError("samples without subject or prediction time", count=nulls, remedy="remove them")
    repeated = int(samples.is_duplicated().sum())
    if repeated:
        raise InputError(
            "samples are repeated", count=repeated, remedy="keep one row per subject_id and prediction_time"
        )
    return samples


def _codes(events: pl.DataFrame, book: Book) -> np.ndarray:
    code = events["code"].cast(pl.String).cast(book.code_type, strict=False)
    if code.null_count():
        raise InputError(
            "codes of the events are not in the code book",
            count=code.null_count(),
            remedy="pass the code book of this dataset",
        )
    return code.to_physical().cast(pl.Int32).to_numpy()


def _bisect(time: np.ndarray, low: np.ndarray, high: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """For each i the end of the events in [low, high) with time <= limit, all i at once."""
    low, high = low.copy(), high.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        before = np.zeros(len(low), dtype=bool)
        before[open_] = time[middle[open_]] <= limit[open_]
        low = np.where(before, middle + 1, low)
        high = np.where(open_ & ~before, middle, high)
    return low


def _spans(starts: np.ndarray, stops: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sizes = stops - starts
    subject = np.repeat(np.arange(len(starts), dtype=np.int32), sizes)
    origin = np.repeat((starts - (np.cumsum(sizes) - sizes)).astype(np.int32), sizes)
    origin += np.arange(len(subject), dtype=np.int32)
    return origin, subject


def _counts_up_to(edges: np.ndarray, size: int) -> np.ndarray:
    """[size + 1] how many edges are <= each position."""
    return np.cumsum(np.bincount(edges, minlength=size + 1), dtype=np.int32)
