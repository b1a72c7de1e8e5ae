"""Speed of `osler text`: ten million events to texts, statements and lines, beside a loop over patients.

The cohort is made here, seeded: about 25,000 subjects with 400 events each, 3,000 codes with Zipf frequencies
in three families (laboratory values with units, diagnoses, medications), one to three stays, many rows per
time stamp as in real records. The result is compared with a plain-Python oracle before a time is printed.

    python benchmarks/text.py [--events 10000000] [--times 3]
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

N_CODES = 3_000
EVENTS_PER_SUBJECT = 400
SUBJECTS_PER_SHARD = 1_250
SUBJECTS_COMPARED = 250
BUDGET = 2_048
DAY = 86_400_000_000
WORDS = """
acute chronic serum blood urine total free left right upper lower severe mild primary secondary level count
disorder injury infection failure stenosis oral tablet injection solution acid sodium calcium protein enzyme
hormone cell platelet renal hepatic cardiac pulmonary vascular neural skin bone joint muscle screening
"""
UNITS = ("mmol/L", "mg/dL", "g/L", "U/L", "%", "10*9/L")
READ = {"10*9/L": "10^9/L"}  # the others read as they are written


def code_book(rng: np.random.Generator) -> pl.DataFrame:
    """3,000 codes with descriptions of three to six words; every third is a laboratory value with a unit."""
    rows = []
    for i in range(N_CODES):
        family = ("LAB", "DIAGNOSIS", "MEDICATION")[i % 3]
        words = " ".join(rng.choice(WORDS.split(), size=int(rng.integers(3, 7)), replace=False))
        unit = UNITS[i % len(UNITS)] if family == "LAB" else None
        kind = "numeric" if family == "LAB" else None
        rows.append((f"{family}//{i:04d}", f"{words.capitalize()} {i}", unit, kind))
    rows.append(("MEDS_BIRTH", "Birth", None, None))
    rows += [("GENDER//F", "Female", None, None), ("GENDER//M", "Male", None, None)]
    schema = {"code": pl.String, "description": pl.String, "unit": pl.String, "kind": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def subjects_of(first: int, count: int, codes: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Events of `count` subjects: Poisson(400) + 5 each, in bursts of about a dozen rows per time stamp."""
    sizes = rng.poisson(EVENTS_PER_SUBJECT - 7, count) + 5
    subject = np.repeat(np.arange(first, first + count), sizes)
    n = len(subject)
    weights = 1 / np.arange(1, N_CODES + 1)
    code = rng.choice(N_CODES, size=n, p=weights / weights.sum())
    admitted = rng.integers(40 * 365, 50 * 365, size=(count, 3)) * DAY
    stays = rng.integers(1, 4, count)
    stay = (rng.random(n) * np.repeat(stays, sizes)).astype(int)
    burst = rng.integers(0, 34, n)
    step = np.maximum(rng.exponential(4 * DAY / 12, size=(count, 3, 34)), 6e7).cumsum(axis=2)
    who = subject - first
    at = admitted[who, stay] + step[who, stay, burst].astype(np.int64) // 60_000_000 * 60_000_000
    centre = 10 ** np.random.default_rng(7).uniform(0, 2.3, N_CODES)
    decimals = np.where(centre > 50, 0, np.where(centre > 5, 1, 2))
    value = centre[code] * np.exp(0.15 * rng.standard_normal(n))
    value = np.round(value * 10.0 ** decimals[code]) / 10.0 ** decimals[code]
    is_lab = code % 3 == 0
    events = pl.DataFrame(
        {
            "subject_id": subject,
            "time": pl.Series(at).cast(pl.Datetime("us")),
            "code": codes["code"].gather(code),
            "numeric_value": pl.Series(np.where(is_lab, value, np.nan), dtype=pl.Float32).fill_nan(None),
            "unit": codes["unit"].gather(code),
        }
    )
    ids = np.arange(first, first + count)
    born = pl.DataFrame(
        {
            "subject_id": ids,
            "time": pl.Series(rng.integers(-40 * 365, 38 * 365, count) * DAY).cast(pl.Datetime("us")),
            "code": ["MEDS_BIRTH"] * count,
        }
    )
    sex = np.where(rng.random(count) < 0.5, "GENDER//F", "GENDER//M")
    static = pl.DataFrame({"subject_id": ids, "code": sex})
    return pl.concat([events, born, static], how="diagonal")


def make_dataset(folder: Path, events: int) -> pl.DataFrame:
    """Write the cohort as MEDS; gives two samples per subject: in the middle and at the end of the record."""
    from osler.record.write import write_events, write_metadata

    codes = code_book(np.random.default_rng(1))
    samples = []
    for shard in range(-(-events // (EVENTS_PER_SUBJECT * SUBJECTS_PER_SHARD))):
        first = shard * SUBJECTS_PER_SHARD
        made = subjects_of(first, SUBJECTS_PER_SHARD, codes, np.random.default_rng(100 + shard))
        write_events(folder, f"train/{shard:03d}", made)
        dated = made.drop_nulls("time")
        time_of = pl.col("time")
        ends = dated.group_by("subject_id").agg(
            time_of.max().alias("end"), time_of.sort().slice(pl.len() // 2, 1).first().alias("middle")
        )
        samples += [ends.select("subject_id", prediction_time=name) for name in ("end", "middle")]
    write_metadata(folder, name="bench", codes=codes, used=codes["code"])
    return pl.concat(samples).unique().sort("subject_id", "prediction_time")


def measure(folder: Path) -> None:
    """In a fresh process: load libraries, make the texts once, print seconds and peak memory."""
    import pyarrow.parquet as _  # noqa: F401

    from osler.models.tokenizer import load_tokenizer
    from osler.record.dataset import open_dataset
    from osler.statements.settings import TextSettings
    from osler.statements.write import make_texts

    samples = pl.read_parquet(folder / "samples.parquet")
    load_tokenizer("minilm")
    start = time.perf_counter()
    dataset = open_dataset(folder / "dataset")
    made = make_texts(
        dataset, samples, folder / "texts", settings=TextSettings(style="list-recent", budget=BUDGET)
    )
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    facts = {"seconds": seconds, "peak": peak, "rows": dataset.rows}
    print(json.dumps({**facts, "lines": made.n_lines, "tokens": made.n_tokens, "dropped": made.n_dropped}))


class PlainLoop:
    """What one would write first: a loop over patients, samples and events. It is the oracle, too."""

    def __init__(self, dataset: object) -> None:
        from osler.models.tokenizer import load_tokenizer

        self.count = load_tokenizer("minilm").count
        self.tokens: dict[str, int] = {}
        self.book = {
            code: (i, description, unit)
            for i, (code, description, unit) in enumerate(
                dataset.codes.select("code", "description", "unit").iter_rows()
            )
        }

    def render(self, events: pl.DataFrame, samples: pl.DataFrame) -> list[dict[str, object]]:
        """Text, tokens, dropped statements and lines (statement id, rows, characters) of each sample."""
        by_subject: dict[int, list[tuple[object, ...]]] = {}
        for row in events.select("subject_id", "row", "time", "code", "numeric_value", "unit").iter_rows():
            by_subject.setdefault(row[0], []).append(row[1:])
        return [self._sample(by_subject[subject], at) for subject, at in samples.iter_rows()]

    def _sample(self, events: list[tuple[object, ...]], at: object) -> dict[str, object]:
        latest, head = {}, []
        for row, when, code, number, unit in events:
            if when is not None and when > at:
                continue
            if code == "MEDS_BIRTH":
                years = (
                    at.year
                    - when.year
                    - ((at.month, at.day, at.time()) < (when.month, when.day, when.time()))
                )
                head.insert(0, (f"Age: {years} years", row))
            elif code.startswith("GENDER//"):
                head.append(("Sex: female" if code.endswith("F") else "Sex: male", row))
            else:
                latest[code] = (row, when, number, unit)
        ordered = sorted(latest.items(), key=lambda item: self.book[item[0]][0])
        ordered.sort(key=lambda item: item[1][1], reverse=True)
        lines = head
        for code, (row, _, number, unit) in ordered:
            name = self.book[code][1]
            if number is not None:
                value = f"{number:.2f}".rstrip("0").rstrip(".")
                name = f"{name} ({READ.get(unit, unit)}): {value}"
            lines.append((name, row))
        new = [text for text, _ in lines if text not in self.tokens]
        self.tokens.update(zip(new, self.count(new).tolist(), strict=True))
        total, kept = 0, []
        for text, row in lines:
            if total + self.tokens[text] > BUDGET and len(kept) > 1:
                break
            total += self.tokens[text]
            kept.append((text, row))
        found, place = [], 0
        for text, row in kept:
            found.append((hashlib.sha256(text.encode()).hexdigest()[:32], [row], place, place + len(text)))
            place += len(text) + 1
        text = "\n".join(text for text, _ in kept)
        return {"text": text, "n_tokens": total, "n_dropped": len(lines) - len(kept), "lines": found}


def compare(folder: Path, subjects: int) -> float:
    """Require that the loop over the first subjects gives the same; events per second of the loop."""
    from osler.record.dataset import open_dataset
    from osler.statements.read import open_texts

    dataset, texts = open_dataset(folder / "dataset"), open_texts(folder / "texts")
    first = pl.col("subject_id") < subjects
    events = dataset.read(dataset.shards[0]).filter(first)
    samples = pl.read_parquet(folder / "samples.parquet").filter(first)
    loop = PlainLoop(dataset)
    start = time.perf_counter()
    expected = loop.render(events, samples)
    seconds = time.perf_counter() - start
    own = texts.texts().filter(first).collect()
    lines = (
        texts.lines()
        .filter(first)
        .group_by("subject_id", "prediction_time", maintain_order=True)
        .agg("statement_id", "rows", "char_start", "char_end")
        .collect()
    )
    for name in ("text", "n_tokens", "n_dropped"):
        if own[name].to_list() != [one[name] for one in expected]:
            raise SystemExit(f"column {name} differs from the plain loop")
    made = [list(zip(*row[2:], strict=True)) for row in lines.iter_rows()]
    if made != [one["lines"] for one in expected]:
        raise SystemExit("lines differ from the plain loop")
    return events.height / seconds


def main() -> None:
    """Make the cohort, measure in fresh processes, compare, print; the JSON object is the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    folder = Path(tempfile.mkdtemp(prefix="osler-text-"))
    try:
        make_dataset(folder / "dataset", options.events).write_parquet(folder / "samples.parquet")
        runs = []
        for _ in range(options.times):
            shutil.rmtree(folder / "texts", ignore_errors=True)
            command = [sys.executable, __file__, "--measure", str(folder)]
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            runs.append({**json.loads(done.stdout), "whole_process": time.perf_counter() - start})
        speed_of_loop = compare(folder, SUBJECTS_COMPARED)
        written = sum(path.stat().st_size for path in (folder / "texts").rglob("*") if path.is_file())
    finally:
        shutil.rmtree(folder)
    seconds = statistics.median(run["seconds"] for run in runs)
    rows, peak = runs[0]["rows"], max(run["peak"] for run in runs)
    speed = rows / seconds
    print(
        f"{rows:,} events, {runs[0]['lines']:,} lines, {runs[0]['tokens']:,} tokens, "
        f"{runs[0]['dropped']:,} statements dropped, {written / 1e6:,.0f} MB written"
    )
    print(
        f"seconds {', '.join(format(run['seconds'], '.2f') for run in runs)}; peak {peak / 1e6:,.0f} MB; "
        f"{os.cpu_count()} cores; equal to the plain loop on {SUBJECTS_COMPARED} subjects"
    )
    print(
        json.dumps(
            {
                "name": "text",
                "value": round(speed),
                "unit": "events/s, two samples each, budget 2,048 (limit 2,000,000)",
                "ratio": round(speed / speed_of_loop, 1),
                "against": "plain Python loop over patients",
                "seconds": round(seconds, 2),
                "seconds_with_start_and_imports": round(
                    statistics.median(r["whole_process"] for r in runs), 2
                ),
                "peak_memory_mb": round(peak / 1e6),
            }
        )
    )


if __name__ == "__main__":
    main()
