"""Second pass: the events of a shard are gathered from all runs, given their meaning, sorted and written."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.record import schema
from osler.record.mapping.book import CodeBook
from osler.record.mapping.continued import Continued
from osler.record.mapping.resolve import Meanings
from osler.record.mapping.spill import Run, completed, read_buckets
from osler.record.write import write_events

SITE = "site"
ORIGINAL: dict[str, pl.DataType] = {"original_value": pl.Float32(), "original_unit": pl.String()}
_TOLD_ONCE = (schema.BIRTH, schema.DEATH)  # by any source
_LIMIT = r"^(?<sign>[<>≤≥]=?)\s*(?<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$"


@dataclass(frozen=True)
class Written:
    """What a shard holds.

    Attributes:
        events: how many were written.
        subjects: whose.
        told_once: number of a code -> events left out because they are told once; 0 for events of the
            dataset that is continued.
    """

    events: int
    subjects: list[int]
    told_once: dict[int, int]

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, Any]) -> "Written":
        """From what `plain` gave."""
        told = {int(number): count for number, count in plain["told_once"].items()}
        return cls(events=plain["events"], subjects=plain["subjects"], told_once=told)


@dataclass(frozen=True)
class Resolver:
    """Turns numbers into what they stand for.

    Attributes:
        meanings: of the numbers.
        book: the code book and the units.
        has_sites: whether rows of the source name a site.
        continued: events of the dataset that is continued, or None.
    """

    meanings: Meanings
    book: CodeBook
    has_sites: bool
    continued: Continued | None

    @cached_property
    def keeps_original(self) -> bool:
        """Whether any unit is spelled anew or any value converted."""
        units = self.book.units
        return bool((units["unit"].ne_missing(units["original"]) | (units["factor"] != 1)).any())

    @property
    def site(self) -> str:
        """The column that names the site."""
        return self.continued.site or SITE if self.continued else SITE

    @cached_property
    def columns(self) -> dict[str, pl.DataType]:
        """Columns of events with their types, in order."""
        return {
            **schema.EVENT_TYPES,
            **({self.site: pl.String()} if self.has_sites else {}),
            **(ORIGINAL if self.keeps_original else {}),
            **(self.continued.columns if self.continued else {}),
        }

    @cached_property
    def _ranks(self) -> pl.DataFrame:
        """`code, rank`: the place of every code in the order of their text."""
        codes = set(self.meanings.codes["code"].to_list()) | set(
            self.continued.codes if self.continued else ()
        )
        return pl.DataFrame({"code": sorted(codes)}, schema={"code": pl.String}).with_row_index("rank")

    @cached_property
    def _once(self) -> pl.Series:
        """Codes of which a subject has only the earliest event."""
        return pl.Series([*_TOLD_ONCE, *self.meanings.codes.filter("once")["code"].unique().sort()])

    @cached_property
    def _of_moment(self) -> pl.Series:
        """Codes of which a moment has no event that says only what another says."""
        return self.meanings.codes.filter("of_moment")["code"].unique().sort()

    @cached_property
    def _codes(self) -> pl.DataFrame:
        """`code, rank, label_first` by number; the first row is that of 0, none."""
        named = self.meanings.codes.sort("number").select("code", "label_first")
        none = pl.DataFrame({"code": [None], "label_first": [False]}, schema=named.schema)
        return pl.concat([none, named]).join(self._ranks, on="code", how="left", maintain_order="left")

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, pl.DataFrame]:
        """Numbers of code and unit, sorted, and what they say."""
        units = self.book.units
        keys = units["code_number"].to_numpy().astype(np.int64) << 32 | units["unit_number"].to_numpy()
        return keys, units

    def resolve(self, coded: pl.DataFrame) -> pl.DataFrame:
        """Events out of numbers.

        Args:
            coded: columns of `osler.record.mapping.spill.COLUMNS`; those that are not used may be absent.

        Returns:
            `columns` that the source has, with `_rank` and `_number` of the code.
        """
        coded = completed(coded)
        code = coded["code"].to_numpy()
        keys, units = self._pairs
        place = np.searchsorted(keys, code.astype(np.int64) << 32 | coded["unit"].to_numpy())
        factor, offset = units["factor"].gather(place), units["offset"].gather(place)
        number = coded["number"].cast(pl.Float64) * factor + offset
        by_number = self._codes
        events = coded.select("subject_id", "time", "visit_id", "note_id", _number="code").with_columns(
            by_number["code"].gather(code),
            number.cast(pl.Float32).alias("numeric_value"),
            _limits(self._words(coded, code), factor, offset).alias("text_value"),
            units["unit"].gather(place),
            by_number["rank"].gather(code).alias("_rank"),
        )
        if self.has_sites:
            site = pl.Series(self.meanings.sites, dtype=pl.String).gather(coded["site"])
            events = events.with_columns(site.alias(self.site))
        if self.keeps_original:
            original = units["original"].gather(place)
            converted, respelled = (factor != 1) | (offset != 0), original.ne_missing(events["unit"])
            events = events.with_columns(
                _where(converted, coded["number"]).alias("original_value"),
                _where(respelled, original).alias("original_unit"),
            )
        return events

    def _words(self, coded: pl.DataFrame, code: np.ndarray) -> pl.Series:
        text = coded["text"]
        label = pl.Series(self.meanings.labels, dtype=pl.String).gather(coded["label"])
        if label.null_count() == label.len():
            return text
        first = self._codes["label_first"].gather(code)
        return label.zip_with(label.is_not_null() & (first | text.is_null()), text)

    def take_over(self, events: pl.DataFrame) -> pl.DataFrame:
        """Events of the dataset that is continued, with `_rank` and `_number`."""
        ranked = events.join(self._ranks, on="code", how="left", maintain_order="left")
        return ranked.rename({"rank": "_rank"}).with_columns(_number=pl.lit(0, dtype=pl.UInt32))

    def finish(self, events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Sort events, and set those apart that are told once and were told before.

        Returns:
            Events with `columns`, and the rest with `_number`.
        """
        beside = [name for name in self.columns if name not in schema.CANONICAL_ORDER]
        order = ["_rank" if name == "code" else name for name in schema.CANONICAL_ORDER]
        events = events.sort([name for name in (*order, *beside) if name in events.columns], nulls_last=False)
        told = events.select(pl.col("code").is_in(self._once.implode())).to_series().arg_true()
        first = events[told].select(pl.struct("subject_id", "code").is_first_distinct()).to_series()
        again = pl.concat([told.filter(~first), self._said_at_once(events)]).unique().sort()
        keep = np.ones(events.height, dtype=bool)
        keep[again.to_numpy()] = False
        kept = events if again.is_empty() else events.filter(keep)
        whole = kept.select(
            pl.col(column).cast(kind) if column in kept.columns else pl.lit(None, dtype=kind).alias(column)
            for column, kind in self.columns.items()
        )
        return whole, events[again]

    def _said_at_once(self, events: pl.DataFrame) -> pl.Series:
        """Places of events that say only what another says at the same moment."""
        places = events.select(pl.col("code").is_in(self._of_moment.implode())).to_series().arg_true()
        moment = ("subject_id", "time", "code", "visit_id")
        valued = pl.col("numeric_value").is_not_null() | pl.col("text_value").is_not_null()
        beside = ("unit", "note_id", *([self.site] if self.site in events.columns else []))
        alike = pl.struct(*moment, "numeric_value", "text_value", *beside).is_first_distinct()
        again = events[places].select(~alike | (~valued & valued.any().over(moment))).to_series()
        return places.filter(again)


def _where(condition: pl.Series, values: pl.Series) -> pl.Series:
    """Values where a condition holds, else null."""
    return values.zip_with(condition.fill_null(value=False), values.clear(n=values.len()))


def _limits(words: pl.Series, factor: pl.Series, offset: pl.Series) -> pl.Series:
    """Words with limits (`<0.5`) in the unit that their numbers are converted to.

    Args:
        words: strings [n].
        factor, offset: of each value.

    Returns:
        The words; a converted limit has four significant digits.

    Examples:
        >>> words, ones = pl.Series(["<0.01", "high", "<0.01"]), pl.Series([1000.0, 1000.0, 1.0])
        >>> _limits(words, ones, pl.Series([0.0, 0.0, 0.0])).to_list()
        ['<10', 'high', '<0.01']
    """
    converted = ((factor != 1) | (offset != 0)).fill_null(value=False)
    places = (converted & words.str.contains(_LIMIT).fill_null(value=False)).arg_true()
    if places.is_empty():
        return words
    stated = words.gather(places).str.extract_groups(_LIMIT).struct
    number = stated.field("number").cast(pl.Float64) * factor.gather(places) + offset.gather(places)
    spelled = pl.Series([f"{float(f'{one:.4g}'):.10g}" for one in number], dtype=pl.String)
    return words.clone().scatter(places, stated.field("sign") + spelled)


def write_shard(
    part: Path, name: str, runs: Sequence[Run], first: int, end: int, resolver: Resolver
) -> Written:
    """Write one shard.

    Args:
        part: the dataset's folder.
        name: of the shard.
        runs: files of events of the source.
        first, end: its buckets, `first <= bucket < end`.
        resolver: gives the numbers their meaning.
    """
    parts = [resolver.resolve(pl.DataFrame(pl.from_arrow(table))) for table in read_buckets(runs, first, end)]
    if resolver.continued is not None:
        for table in read_buckets(resolver.continued.runs, first, end):
            parts.append(resolver.take_over(pl.DataFrame(pl.from_arrow(table))))
    if not parts:
        return Written(events=0, subjects=[], told_once={})
    events, again = resolver.finish(pl.concat(parts, how="diagonal"))
    write_events(part, name, events)
    told: dict[int, int] = dict(again["_number"].value_counts().iter_rows()) if again.height else {}
    return Written(events=events.height, subjects=events["subject_id"].unique().to_list(), told_once=told)
