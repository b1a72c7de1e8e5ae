"""One file per section; each has `section(run) -> Section | None`, None when the run has no such files.

The order here is the order of the page. A new section is a new file and one name in this list.
"""

SECTIONS = (
    "summary",
    "cohort",
    "table_one",
    "discrimination",
    "calibration",
    "comparison",
    "phenotypes",
    "arms",
    "text",
    "methods",
    "settings",
    "timings",
    "environment",
)
