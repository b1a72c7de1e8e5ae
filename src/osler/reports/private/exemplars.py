"""Patients near the middle of each cluster, with their text."""

from osler.reports.blocks import Block, Heading, Line, Paragraph, Record, Section
from osler.reports.formats import count, number
from osler.reports.runfiles import PrivateFiles, RunFiles
from osler.reports.words import task_title

MOST = 1500  # characters of a text that are shown
_SENTENCE = (
    "The real patients that are nearest to the middle of each cluster, one sample of each. They show what a "
    "card averages away; a cluster holds patients unlike them too."
)


def section(run: RunFiles, files: PrivateFiles) -> Section | None:
    """Exemplars of each task and clustering."""
    blocks: list[Block] = []
    for task in run.tasks():
        for name in run.names(f"phenotypes/{task}"):
            file = f"phenotypes/{task}/{name}/exemplars.parquet"
            found = files.frame(file)
            if found is None or found.is_empty():
                continue
            ordered = found.sort("arm", "k", "cluster", "rank")
            for (arm, cluster), part in ordered.group_by("arm", "cluster", maintain_order=True):
                blocks.append(Heading(f"{task_title(run, task)}, {name}, {arm}: cluster {cluster}"))
                blocks += [_record(row, file) for row in part.iter_rows(named=True)]
    if not blocks:
        return None
    return Section("exemplars", "Exemplar patients", (Paragraph(_SENTENCE), *blocks))


def _record(row: dict[str, object], file: str) -> Record:
    text = "" if row["text"] is None else str(row["text"])
    shown, left = cut(text, most=MOST)
    lines = [Line(line) for line in shown.splitlines() if line.strip()]
    if left:
        lines.append(Line(f"[{count(left)} characters left out here; the file holds them]"))
    if not text:
        lines.append(Line("[no text and no variables were given]"))
    typical = row["typicality"]
    facts = (
        ("Typicality", number(typical if isinstance(typical, float) else None, 2)),
        ("Written from", str(row["written_from"] or "–")),
    )
    return Record(f"Subject {row['subject_id']}", facts, tuple(lines), files=(file,))


def cut(text: str, *, most: int) -> tuple[str, int]:
    """The first whole lines of a text that fit, and how many characters are left out.

    Examples:
        >>> cut("Age: 3\\nSex: F\\nCough", most=15)
        ('Age: 3\\nSex: F', 6)
        >>> cut("Age: 3", most=15)
        ('Age: 3', 0)
    """
    if len(text) <= most:
        return text, 0
    end = text.rfind("\n", 0, most + 1)
    shown = text[: end if end > 0 else most]
    return shown, len(text) - len(shown)
