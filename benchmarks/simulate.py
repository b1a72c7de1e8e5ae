"""Time of `osler simulate` for 10 million events, and peak memory of the process and its children.

The oracle comes first: `meds` validates shards, the rows are those that the summary names and as many as
were asked for, a shard made again alone has the same bytes, and that of another seed has others.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from meds import DataSchema

from osler.base.hashing import hash_file
from osler.record.write import write_events
from osler.simulate.block import make_block
from osler.simulate.mechanism import hospitals_of
from osler.simulate.settings import SimulateSettings
from support.peak import run

LIMIT_SECONDS = 180
MARGIN = 1.03  # the number of events is met within about two per cent
LIMIT_BYTES = 1_000_000_000


def simulate(out: Path, events: int, workers: int) -> tuple[float, int, dict[str, object]]:
    """Wall time, peak memory and summary of the command in a fresh process."""
    asked = round(events * MARGIN)
    osler = Path(sys.executable).with_name("osler")
    options = ["--events", str(asked), "--workers", str(workers), "--json"]
    command = [str(osler), "simulate", "-o", str(out), *options]
    ran = run(command)
    return ran.seconds, ran.peak_bytes, json.loads(ran.output)


def verify(out: Path, events: int, summary: dict[str, object]) -> None:
    """The oracle: stop with a message where the result is not what it should be."""
    shards = sorted((out / "data").glob("*.parquet"))
    rows = sum(pq.read_metadata(shard).num_rows for shard in shards)
    if rows != summary["events"] or rows < events:
        raise SystemExit(f"{rows} rows, the summary says {summary['events']}, asked for {events}")
    for shard in (shards[0], shards[-1]):
        DataSchema.validate(pq.read_table(shard))
    number = len(shards) // 2
    with tempfile.TemporaryDirectory() as folder:
        for seed, same in ((0, True), (1, False)):
            settings = SimulateSettings(events=round(events * MARGIN), seed=seed)
            made = make_block(settings, hospitals_of(settings), number, settings.block)
            again = write_events(Path(folder), f"again{seed}", made.events)
            if (hash_file(again) == hash_file(shards[number])) is not same:
                raise SystemExit(f"shard {number} of seed {seed}: same bytes is not {same}")


def main() -> None:
    """Run, verify, print, and give the JSON object as the last line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dataset"
        seconds, peak, summary = simulate(out, arguments.events, arguments.workers)
        verify(out, arguments.events, summary)
    print(f"{summary['events']:,} events of {summary['subjects']:,} subjects in {seconds:.1f} s")
    print(f"peak memory {peak / 1e6:,.0f} MB (limit {LIMIT_BYTES / 1e6:,.0f} MB)")
    print(
        json.dumps(
            {
                "name": "simulate",
                "value": round(seconds, 1),
                "unit": f"s for 10 million events (limit {LIMIT_SECONDS})",
                "ratio": round(seconds / LIMIT_SECONDS, 3),
                "against": f"limit of {LIMIT_SECONDS} s",
                "peak_memory_bytes": peak,
                "limit_memory_bytes": LIMIT_BYTES,
                "events": summary["events"],
                "events_per_second": round(int(str(summary["events"])) / seconds),
                "workers": arguments.workers,
                "cores": os.cpu_count(),
            }
        )
    )


if __name__ == "__main__":
    main()
