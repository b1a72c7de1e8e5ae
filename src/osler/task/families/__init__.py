"""The built-in tasks, one file each: a new one is a file, a line here and a line in `osler.task.settings`."""

FAMILIES: dict[str, str] = {
    "outcome": "osler.task.families.outcome",
    "mortality": "osler.task.families.mortality",
    "readmission": "osler.task.families.readmission",
}
