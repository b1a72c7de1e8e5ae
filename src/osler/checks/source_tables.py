"""Has a source the tables and columns that its spec asks for?"""

from osler.checks.finding import OK, WARNING, Finding, counted, listed
from osler.checks.place import Place


def check(place: Place) -> list[Finding]:
    """Find the tables; a required one that is missing, or a missing column, ends the examination."""
    source = place.source
    if source is None:
        return []
    run = source.run
    findings = []
    if run.not_found:
        findings.append(
            Finding(
                WARNING,
                f"tables that the format can have and this source lacks: {listed(run.not_found, most=12)}",
                file=str(place.path),
                count=len(run.not_found),
                remedy="nothing, if the source never had them; texts and counts will lack what they tell",
            )
        )
    if run.unread:
        findings.append(
            Finding(
                WARNING,
                f"tables that the spec does not know, which will not be read: {listed(run.unread, most=12)}",
                file=str(place.path),
                count=len(run.unread),
                example={"file": run.unread[0]},
                remedy=f"describe them in a spec that `extends: {source.format_name}`, or leave them",
            )
        )
    if run.set_aside:
        names = [f"{name} ({reason})" for name, reason in run.set_aside.items()]
        findings.append(
            Finding(
                WARNING,
                f"files that could hold tables and will not be read: {listed(names, most=12)}",
                file=str(place.path),
                count=len(names),
                example={"file": next(iter(run.set_aside))},
                remedy="write them as CSV or Parquet (also packed: .gz, .zst), or leave them",
            )
        )
    if source.also:
        findings.append(
            Finding(
                WARNING,
                f"taken for {source.format_name}; the folder also fits {listed(source.also)}",
                file=str(place.path),
                remedy="name the format with --format",
            )
        )
    tables = f"{counted(len(run.counts), 'table')} and {counted(run.n_subjects, 'subject')}"
    return [Finding(OK, f"{source.format_name}: {tables}", file=str(place.path)), *findings]
