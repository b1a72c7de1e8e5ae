"""The sections of the page that holds patient data: texts, exemplars of clusters, maps of patients."""

from osler.reports.blocks import Section
from osler.reports.private import exemplars, maps, records
from osler.reports.runfiles import PrivateFiles, RunFiles


def private_sections(run: RunFiles, files: PrivateFiles) -> list[Section]:
    """The sections that only `report-private.html` has; those without files are left out."""
    made = (records.section(run, files), exemplars.section(run, files), maps.section(run, files))
    return [section for section in made if section is not None]
