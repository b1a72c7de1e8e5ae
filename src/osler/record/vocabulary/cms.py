"""Title files of the US Centers for Medicare & Medicaid Services (CMS): order files and lists of codes.

An order file (`icd10cm_order_*.txt`, `icd10pcs_order_*.txt`) has columns of fixed width: order number 1-5,
code 7-13, whether it is billable 15, short title 17-76, long title from 78. A list (`icd10cm_codes_*.txt`,
`CMS32_DESC_LONG_DX.txt`) has a code, blanks and a title on each line; those of ICD-9 are Latin-1.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from osler.record.vocabulary.codes import local_key
from osler.record.vocabulary.guess import guess_vocabulary
from osler.record.vocabulary.source_file import (
    FOUND,
    LONG_TITLE,
    TitleFile,
    head_lines,
    read_lines,
)

_ORDER = re.compile(r"\d{5} (?P<code>[0-9A-Z]{3,7}) {1,5}[01] (?P<short>.{60}) (?P<title>.*)")
_LIST = re.compile(r"(?P<code>[0-9A-Z]{2,7}) +(?P<title>\S.*)")
_SHARE = 0.98


def recognise_cms(path: Path, head: bytes) -> TitleFile | None:
    """An order file or a list of codes, known by its lines; None when it is neither.

    Args:
        path: the file.
        head: its first bytes.
    """
    lines = head_lines(head)
    for form, pattern in (("CMS order file", _ORDER), ("list of codes and titles", _LIST)):
        found = [match for line in lines if (match := pattern.fullmatch(line.rstrip()))]
        if not found or len(found) < _SHARE * len(lines):
            continue
        vocabulary = guess_vocabulary(match["code"] for match in found)
        if vocabulary is not None:
            return TitleFile(
                path=path,
                form=f"{form} of {vocabulary}",
                vocabularies=(vocabulary,),
                long=max(len(match["title"]) for match in found) >= LONG_TITLE,
                look_up=partial(_look_up, path, vocabulary, pattern),
            )
    return None


def _look_up(path: Path, vocabulary: str, pattern: re.Pattern[str], codes: pl.Series) -> pl.DataFrame:
    mine = codes.filter(codes.str.starts_with(f"{vocabulary}/")).alias("code").to_frame()
    keys = mine.select(local_key(pl.col("code").str.strip_prefix(f"{vocabulary}/")))["code"].to_list()
    wanted = dict(zip(keys, mine["code"].to_list(), strict=True))
    found = dict(_titles(path, pattern, wanted)) if wanted else {}
    return pl.DataFrame({"code": list(found), "description": list(found.values())}, schema=FOUND)


def _titles(path: Path, pattern: re.Pattern[str], wanted: dict[str, str]) -> Iterator[tuple[str, str]]:
    for line in read_lines(path):
        match = pattern.fullmatch(line.rstrip())
        if match and match["code"] in wanted and match["title"].strip():
            yield wanted[match["code"]], match["title"].strip()
