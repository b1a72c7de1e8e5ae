"""What an ingest writes beside the events: metadata of the dataset, the attrition table, the summary."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import write_json, write_parquet
from osler.base.progress import note
from osler.record.dataset import Dataset
from osler.record.mapping.attrition import attrition_of
from osler.record.mapping.continued import Continued
from osler.record.mapping.job import FirstPass, SecondPass
from osler.record.mapping.shards import ORIGINAL, SITE
from osler.record.mapping.source import Source
from osler.record.splits import default_splits
from osler.record.write import write_metadata

if TYPE_CHECKING:
    from osler.record.vocabulary.vocabulary import Vocabulary

SUMMARY = "metadata/ingest.json"
ATTRITION = "metadata/attrition.parquet"


def write_beside(
    part: Path,
    source: Source,
    first: FirstPass,
    second: SecondPass,
    source_hash: str,
    vocabulary: "Vocabulary | None",
    existing: Dataset | None,
    continued: Continued | None,
) -> None:
    """Write `metadata/`.

    Args:
        part: the dataset in the making.
        source: what is ingested.
        first: what the first pass found.
        second: what the second pass wrote.
        source_hash: hash of the source's files.
        vocabulary: what described the codes.
        existing: the dataset that is continued.
        continued: what was found in it.

    Raises:
        InputError: subjects of the dataset that is continued belong to another person.
    """
    _write_metadata(part, source, first, second, source_hash, existing, continued)
    attrition = attrition_of(first, second, before=source.before)
    write_parquet(part / ATTRITION, attrition)
    write_json(part / SUMMARY, _summary(source, first, second, attrition, vocabulary, existing))


def _write_metadata(
    part: Path,
    source: Source,
    first: FirstPass,
    second: SecondPass,
    source_hash: str,
    existing: Dataset | None,
    continued: Continued | None,
) -> None:
    present = pl.concat(second.subjects).unique()
    subjects = first.subjects.filter(pl.col("subject_id").is_in(present.implode()))
    subjects = _merged_subjects(subjects.drop("kept"), existing)
    codes, used = first.book.codes, first.meanings.codes["code"].unique()
    splits = default_splits(subjects)
    before: dict[str, Any] = {}
    if existing is not None:
        codes = pl.concat(
            [existing.codes, codes.filter(~pl.col("code").is_in(existing.codes["code"].implode()))],
            how="diagonal",
        )
        used = existing.codes["code"]
        before = existing.settings
        if existing.splits is not None:
            new = splits.filter(~pl.col("subject_id").is_in(existing.splits["subject_id"].implode()))
            splits = pl.concat([existing.splits.select("subject_id", "split"), new])
    site = (continued.site if continued else None) or (SITE if first.collected.sites.texts else None)
    beside = ["unit", "visit_id", "note_id", *(ORIGINAL if second.keeps_original else ())]
    ingested = {
        "format": source.format_name,
        "source": source.name,
        "sha256": source_hash,
        "limit": source.options.limit,
    }
    write_metadata(
        part,
        name=existing.name if existing else source.spec.name or source.name,
        codes=codes,
        used=used,
        splits=splits,
        subjects=subjects,
        site_columns=(site,) if site else (),
        extension_columns=tuple(dict.fromkeys([*beside, *(continued.columns if continued else ())])),
        settings={
            **before,
            "undated": False,
            "dates": first.plan.dates,
            "timezone": source.spec.timezone,
            "groups": {
                **{name: group.plain() for name, group in source.spec.groups.items()},
                **before.get("groups", {}),
            },
            "ingested": [*before.get("ingested", ()), ingested],
        },
        etl=f"osler ingest {source.format_name}",
    )


def _merged_subjects(subjects: pl.DataFrame, existing: Dataset | None) -> pl.DataFrame:
    """The subjects of the source and of the dataset that it continues."""
    if existing is None or existing.subjects is None:
        return subjects
    known = existing.subjects
    both = (
        subjects.join(known.select("subject_id", _group="group_id"), on="subject_id")
        if "group_id" in known.columns
        else subjects.clear()
    )
    torn = both.filter(pl.col("group_id") != pl.col("_group")).height if both.height else 0
    if torn:
        raise InputError(
            "subjects belong to another person than in the dataset",
            where=existing.path,
            count=torn,
            remedy="check `subjects.group` of the spec",
        )
    new = subjects.filter(~pl.col("subject_id").is_in(known["subject_id"].implode()))
    there = subjects.height - new.height
    note(f"subjects of the source, by their ids: {there:,} are in the dataset, {new.height:,} are new")
    return pl.concat(
        [
            known.with_columns(pl.col("source_id").cast(pl.String))
            if "source_id" in known.columns
            else known,
            new,
        ],
        how="diagonal",
    )


def _summary(
    source: Source,
    first: FirstPass,
    second: SecondPass,
    attrition: pl.DataFrame,
    vocabulary: "Vocabulary | None",
    existing: Dataset | None,
) -> dict[str, Any]:
    counts = first.collected.counts
    units = first.book.units
    return {
        "format_version": 1,
        "format": source.format_name,
        "source": source.name,
        "n_rows": sum(one.read for one in counts.values()),
        "n_subjects": int(pl.concat(second.subjects).n_unique()),
        "n_events": sum(second.shards.values()),
        "n_codes": first.meanings.codes["code"].n_unique(),
        "n_shards": len(second.shards),
        "appended": existing is not None,
        "dates": first.plan.dates,
        "timezone": source.spec.timezone,
        "tables": {
            name: {"rows": one.read, "kept": one.kept, "events": one.events} for name, one in counts.items()
        },
        "not_found": first.plan.absent,
        "not_read": {name: reason for name, (reason, _) in first.not_read.items()},
        "set_aside": list(first.plan.source.set_aside),
        "conversions": _conversions(first),
        "n_units_respelled": int((units["unit"].ne_missing(units["original"])).sum()),
        "vocabulary": vocabulary.sources if vocabulary else [],
        "attrition": attrition.filter(pl.col("n_rows").is_not_null()).to_dicts(),
        **source.facts,
        "spec": source.spec.plain(),
    }


def _conversions(first: FirstPass) -> list[dict[str, Any]]:
    """Which codes had values converted: code, units, factor."""
    numbers = first.meanings.codes.select("code", code_number="number")
    changed = first.book.units.filter((pl.col("factor") != 1) | (pl.col("offset") != 0))
    return (
        changed.join(numbers, on="code_number")
        .select("code", "original", "unit", "factor", "offset")
        .unique()
        .sort("code", "original")
        .to_dicts()
    )
