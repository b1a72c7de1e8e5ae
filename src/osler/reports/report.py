"""The report of a run: `report.html`, which can be shared, and `report-private.html`, which cannot."""

import importlib
import re
from pathlib import Path
from typing import Any

from osler.base.files import write_text
from osler.reports.blocks import Section
from osler.reports.page import Page, render
from osler.reports.runfiles import PrivateFiles, RunFiles
from osler.reports.scores import scores
from osler.reports.sections import SECTIONS
from osler.reports.words import plural

NAME = "report.html"
PRIVATE_NAME = "report-private.html"


def write_report(run: Path, *, private: bool = False) -> Path:
    """Write the report of a run, from its files alone.

    The same run files give the same bytes, but for what stands between the comments `osler:timings` and
    `osler:environment`.

    Args:
        run: the run folder.
        private: write the page with patient data (mode 600) in place of the one that can be shared.

    Returns:
        The page.

    Raises:
        InputError: the folder is no run.
    """
    files = RunFiles(run)
    sections = _sections(files)
    if private:
        from osler.reports.private import private_sections

        sections = [*private_sections(files, PrivateFiles(files.path)), *sections]
    page = Page(
        title=_title(files),
        lead=_lead(files),
        sections=tuple(sections),
        min_cell=files.min_cell,
        private=private,
    )
    path = files.path / (PRIVATE_NAME if private else NAME)
    write_text(path, render(page), private=private)
    return path


def report_summary(path: Path) -> dict[str, Any]:
    """What was written: path, bytes and the names of the sections."""
    text = path.read_text(encoding="utf-8")
    return {
        "path": str(path),
        "bytes": path.stat().st_size,
        "sections": re.findall(r'<section id="([^"]+)"', text),
    }


def _sections(files: RunFiles) -> list[Section]:
    made = (importlib.import_module(f"osler.reports.sections.{name}").section(files) for name in SECTIONS)
    return [section for section in made if section is not None]


def _title(files: RunFiles) -> str:
    words = files.name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def _lead(files: RunFiles) -> str:
    tasks = files.tasks()
    models = {model for task in tasks if (found := scores(files, task)) for model in found.models()}
    parts = [plural(len(tasks), "task")] if tasks else []
    if models:
        parts.append(plural(len(models), "model"))
    words = files.study.get("description")
    return str(words) if words else f"What one run of this study shows: {', '.join(parts)}." if parts else ""
