"""What would become of the rows of a source: what an ingest would refuse, and what it would leave out."""

from osler.checks.finding import OK, WARNING, Finding, from_error, percent
from osler.checks.place import Place
from osler.record.mapping.query import NO_SUBJECT, ROW_REASONS, UNKNOWN_SUBJECT
from osler.record.mapping.rule import NO_CODE, NO_TIME, REASONS

_MUCH = 0.01  # a share of a table's rows left out for a reason that the spec does not state
_WORTH_A_LOOK = {
    ROW_REASONS[NO_SUBJECT]: "fill the column of the subject",
    ROW_REASONS[UNKNOWN_SUBJECT]: "complete the table of subjects; rows of others are left out, and counted",
    REASONS[NO_TIME]: "fill the time; an event without one is seen by every prediction and is left out",
    REASONS[NO_CODE]: "fill the column of the code",
}


def check(place: Place) -> list[Finding]:
    """Read every row: times and numbers that cannot be read, unknown subjects, rows without a time."""
    source = place.source
    if source is None:
        return []
    run = source.run
    findings = [from_error(error) for error in run.refused]
    for name, counts in run.counts.items():
        for reason, remedy in _WORTH_A_LOOK.items():
            n = counts.left[reason]
            if n and n >= _MUCH * counts.read:
                findings.append(
                    Finding(
                        WARNING,
                        f"table '{name}': {percent(n, counts.read)} of its rows would be left out: {reason}",
                        file=str(place.path),
                        count=n,
                        example={"table": name},
                        remedy=remedy,
                    )
                )
        if counts.read and not counts.kept:
            findings.append(
                Finding(
                    WARNING,
                    f"table '{name}': no row would become an event",
                    file=str(place.path),
                    count=counts.read,
                    example={"table": name},
                    remedy="see `osler ingest --explain`, and what is said of the table here",
                )
            )
    read = sum(counts.read for counts in run.counts.values())
    kept = sum(counts.kept for counts in run.counts.values())
    return [Finding(OK, f"{kept:,} of {read:,} rows would become events", file=str(place.path)), *findings]
