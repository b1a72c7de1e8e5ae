"""Speed and memory of `osler ingest omop` with `--memory 1GB`: 20 million measurements, CSV and Parquet.

The tables are made here, seeded: 100,000 persons, 20 million measurements of 200 tests in mixed order, a
vocabulary. Before a time is printed, what was written is compared with the source: rows by code with the sum
of their values, the whole record of sampled subjects event by event in plain Python, the canonical order of
every shard, each subject in one shard only, and MEDS' own validator.

    python benchmarks/ingest.py [--rows 20000000] [--peer FOLDER]

`--peer` names an environment in which meds_etl 0.3.11 runs (`pip install meds_etl==0.3.11 'polars<1.30'`:
with the polars of today it stops at the first table); it gets the same CSV files and the same processors.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
from meds import DataSchema

from support.peak import Ran, run

MEMORY = "1GB"
LIMIT_BYTES = 1_300_000_000
LIMIT_RATE = {"csv": 400_000, "parquet": 800_000}
PERSONS = 100_000
SAMPLED = 200
UNITS = ("mg/dL", "mmol/L", "10*3/uL", "mm[Hg]")

_MEASUREMENT = """
SELECT i AS measurement_id, (hash(i * 7) % {persons})::BIGINT + 1 AS person_id,
  (3000000 + hash(i * 3) % 200)::INT AS measurement_concept_id,
  (TIMESTAMP '2010-01-01' + INTERVAL (hash(i * 5) % 345600000) SECOND)::DATE AS measurement_date,
  (TIMESTAMP '2010-01-01' + INTERVAL (hash(i * 5) % 345600000) SECOND) AS measurement_datetime,
  NULL::VARCHAR AS measurement_time, 32817 AS measurement_type_concept_id, 0 AS operator_concept_id,
  CASE WHEN hash(i * 13) % 50 > 0 THEN round((hash(i * 11) % 10000) / 37.0, 2) END AS value_as_number,
  0 AS value_as_concept_id, (8840 + hash(i * 3) % 4)::INT AS unit_concept_id,
  NULL::DOUBLE AS range_low, NULL::DOUBLE AS range_high, (hash(i) % 500)::INT AS provider_id,
  (hash(i * 7) % {persons})::BIGINT * 10 + (hash(i) % 10)::INT AS visit_occurrence_id,
  NULL::BIGINT AS visit_detail_id, (3000000 + hash(i * 3) % 200)::VARCHAR AS measurement_source_value,
  0 AS measurement_source_concept_id,
  (['mg/dL', 'mmol/L', 'K/uL', 'mmHg'])[(hash(i * 3) % 4)::INT + 1] AS unit_source_value,
  NULL::INT AS unit_source_concept_id, NULL::VARCHAR AS value_source_value
FROM range({rows}) t(i)
"""
_PERSON = """
SELECT i + 1 AS person_id, 8507 + 25 * (i % 2) AS gender_concept_id, 1930 + i % 80 AS year_of_birth,
  1 + i % 12 AS month_of_birth, 1 + i % 28 AS day_of_birth, NULL::TIMESTAMP AS birth_datetime,
  8527 AS race_concept_id, 38003564 AS ethnicity_concept_id, NULL::BIGINT AS care_site_id,
  'p' || i AS person_source_value
FROM range({persons}) t(i)
"""
_CONCEPT = """
SELECT 3000000 + i AS concept_id, 'Test number ' || i AS concept_name, 'Measurement' AS domain_id,
  'LOINC' AS vocabulary_id, (90000 + i) || '-0' AS concept_code FROM range(200) t(i)
UNION ALL SELECT 8840 + i, 'unit', 'Unit', 'UCUM',
  (['mg/dL', 'mmol/L', '10*3/uL', 'mm[Hg]'])[i + 1] FROM range(4) t(i)
"""


def make_source(folder: Path, rows: int) -> None:
    """Write the tables as `csv/` and `parquet/`."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for name, sql in (("measurement", _MEASUREMENT), ("person", _PERSON), ("concept", _CONCEPT)):
            query = sql.format(rows=rows, persons=PERSONS)
            (folder / "parquet").mkdir(exist_ok=True)
            (folder / "csv").mkdir(exist_ok=True)
            parquet, text = folder / "parquet" / f"{name}.parquet", folder / "csv" / f"{name}.csv"
            connection.execute(f"COPY ({query}) TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)")
            connection.execute(f"COPY (FROM '{parquet}') TO '{text}' (HEADER)")


def ingest(source: Path, out: Path) -> Ran:
    """`osler ingest omop` in a process of its own."""
    osler = Path(sys.executable).with_name("osler")
    return run([str(osler), "ingest", "omop", str(source), "-o", str(out), "--memory", MEMORY, "--json"])


def verify(source: Path, out: Path, rows: int, told: dict[str, Any]) -> None:
    """The oracle: stop with a message where the dataset is not what the source says."""
    shards = sorted((out / "data").glob("*.parquet"))
    expected_rows = rows + 4 * PERSONS
    if told["n_rows"] != rows + PERSONS or told["n_events"] != expected_rows:
        raise SystemExit(f"{told['n_rows']} rows and {told['n_events']} events, expected {expected_rows}")
    seen: set[int] = set()
    for shard in shards:
        table = pq.read_table(shard)
        DataSchema.validate(table)
        frame = pl.DataFrame(pl.from_arrow(table))
        keys = frame.select("subject_id", "time", "code", "numeric_value")
        if not keys.equals(keys.sort(keys.columns, nulls_last=False)):
            raise SystemExit(f"{shard.name} is not in canonical order")
        here = set(frame["subject_id"].unique())
        if seen & here:
            raise SystemExit(f"subjects of {shard.name} are in another shard too")
        seen |= here
    _compare_sums(source, out)
    _compare_records(source, out)


def _compare_sums(source: Path, out: Path) -> None:
    """Events, values and their sum by code, from the source by DuckDB and from the dataset by polars."""
    with duckdb.connect() as connection:
        wanted = connection.sql(
            "SELECT 'LOINC/' || (90000 + measurement_concept_id - 3000000) || '-0' AS code, count(*), "
            "count(value_as_number), sum(value_as_number) "
            f"FROM '{source}/measurement.parquet' GROUP BY 1 ORDER BY 1"
        ).fetchall()
    value = pl.col("numeric_value")
    found = (
        pl.scan_parquet(out / "data" / "*.parquet")
        .filter(pl.col("code").str.starts_with("LOINC/"))
        .group_by("code")
        .agg(pl.len(), n=value.count(), sum=value.cast(pl.Float64).sum())
        .sort("code")
        .collect()
        .rows()
    )
    if [row[:3] for row in wanted] != [row[:3] for row in found]:
        raise SystemExit("events by code differ from the source")
    if not np.allclose([row[3] for row in wanted], [row[3] for row in found], rtol=1e-6):
        raise SystemExit("sums of values by code differ from the source")


def _compare_records(source: Path, out: Path) -> None:
    """The whole record of sampled subjects, event by event, in plain Python."""
    chosen = sorted(np.random.default_rng(0).choice(PERSONS, SAMPLED, replace=False).astype(int) + 1)
    listed = ", ".join(map(str, chosen))
    with duckdb.connect() as connection:
        rows = connection.sql(
            "SELECT person_id, measurement_datetime, measurement_concept_id, value_as_number, "
            "unit_concept_id, visit_occurrence_id "
            f"FROM '{source}/measurement.parquet' WHERE person_id IN ({listed})"
        ).fetchall()
    expected = []
    for person, time, concept, value, unit, visit in rows:
        midnight = (time.hour, time.minute, time.second) == (0, 0, 0)
        known = time.replace(hour=23, minute=59) if midnight else time
        number = None if value is None else float(np.float32(value))
        code = f"LOINC/{90000 + concept - 3000000}-0"
        expected.append((person, known, code, number, UNITS[unit - 8840], visit))
    found = (
        pl.scan_parquet(out / "data" / "*.parquet")
        .filter(pl.col("subject_id").is_in(chosen) & pl.col("code").str.starts_with("LOINC/"))
        .select("subject_id", "time", "code", pl.col("numeric_value").cast(pl.Float64), "unit", "visit_id")
        .collect()
        .rows()
    )
    if sorted(expected, key=str) != sorted(found, key=str):
        raise SystemExit("the records of sampled subjects differ from the source")


def run_peer(environment: Path, source: Path, out: Path, rows: int) -> Ran:
    """meds_etl on the same CSV files; the tables that it asks for besides are there, empty."""
    edges = "ancestor_concept_id,descendant_concept_id,min_levels_of_separation,max_levels_of_separation"
    described = (
        "cdm_source_name,cdm_source_abbreviation,cdm_holder,source_description,source_documentation_reference,"
        "cdm_etl_reference,source_release_date,cdm_release_date,cdm_version,vocabulary_version\n"
        "x,x,x,x,x,x,2020-01-01,2020-01-01,5.4,v5"
    )
    empty = {
        "concept_ancestor": edges,
        "concept_relationship": "concept_id_1,concept_id_2,relationship_id",
        "cdm_source": described,
    }
    for name, header in empty.items():
        (source / f"{name}.csv").write_text(header + "\n")
    tool = environment / "bin" / "meds_etl_omop"
    limits = {**os.environ, "POLARS_MAX_THREADS": "1"}
    command = [
        str(tool),
        str(source),
        str(out),
        "--num_proc",
        "2",
        "--num_shards",
        "32",
        "--backend",
        "polars",
    ]
    ran = run(command, env=limits)
    found = pl.scan_parquet(out / "data" / "*.parquet").filter(pl.col("code").str.starts_with("LOINC/"))
    count = found.select(pl.len()).collect().item()
    if count != rows:
        print(f"the peer lost measurements: {count:,} of {rows:,}", file=sys.stderr)
    return ran


def main() -> None:
    """Make the source, ingest, verify, print, and give the JSON object as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--peer", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_source(folder, arguments.rows)
        rates: dict[str, float] = {}
        peaks: dict[str, int] = {}
        for form in ("csv", "parquet"):
            runs = []
            for number in range(arguments.times):
                out = folder / f"{form}-{number}"
                ran = ingest(folder / form, out)
                if number == 0:
                    verify(folder / "parquet", out, arguments.rows, json.loads(ran.output))
                runs.append(ran)
            rates[form] = arguments.rows / statistics.median(ran.seconds for ran in runs)
            peaks[form] = max(ran.peak_bytes for ran in runs)
            print(
                f"{form}: {rates[form]:,.0f} rows/s (limit {LIMIT_RATE[form]:,}), process tree at most "
                f"{peaks[form] / 1e6:,.0f} MB (limit {LIMIT_BYTES / 1e6:,.0f} MB)"
            )
        against, ratio, peer = f"limit of {LIMIT_RATE['csv']:,} rows/s", rates["csv"] / LIMIT_RATE["csv"], {}
        if arguments.peer:
            ran = run_peer(arguments.peer, folder / "csv", folder / "peer", arguments.rows)
            rate = arguments.rows / ran.seconds
            print(f"meds_etl 0.3.11: {rate:,.0f} rows/s, peak {ran.peak_bytes / 1e6:,.0f} MB")
            against, ratio = "meds_etl 0.3.11 (polars 1.29)", rates["csv"] / rate
            peer = {"peer_rows_per_second": round(rate), "peer_peak_memory_bytes": ran.peak_bytes}
    print(
        json.dumps(
            {
                "name": "ingest",
                "value": round(rates["csv"]),
                "unit": "rows/s from CSV with --memory 1GB",
                "ratio": round(ratio, 2),
                "against": against,
                "parquet_rows_per_second": round(rates["parquet"]),
                "peak_memory_bytes": max(peaks.values()),
                "limit_memory_bytes": LIMIT_BYTES,
                "rows": arguments.rows,
                **peer,
            }
        )
    )


if __name__ == "__main__":
    main()
