"""How long each step took: the one part of the page that differs between two runs of the same study."""

from osler.reports.blocks import Column, Paragraph, Row, Section, Table
from osler.reports.formats import percent, seconds
from osler.reports.runfiles import TIMINGS, RunFiles


def section(run: RunFiles) -> Section | None:
    """Seconds by step."""
    timings = run.json(TIMINGS)
    steps = {str(name): float(value) for name, value in ((timings or {}).get("steps") or {}).items()}
    if not steps:
        return None
    total = sum(steps.values())
    rows = [
        Row((name, seconds(value), percent(value / total if total else None, 0)))
        for name, value in steps.items()
    ]
    rows.append(Row(("all steps", seconds(total), ""), tone="strong"))
    table = Table(
        "Time by step",
        (Column("Step", numeric=False), Column("Time"), Column("Share")),
        tuple(rows),
        files=(TIMINGS,),
    )
    note = Paragraph(
        "Wall-clock time of the run that first did the step; a resumed run does not repeat finished steps."
    )
    return Section("timings", "Timings", (note, table), volatile="timings")
