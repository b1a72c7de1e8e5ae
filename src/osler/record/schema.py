"""Columns, codes and the order of events: what every room agrees on about a MEDS dataset.

The spellings come from MEDS 0.4 (Medical Event Data Standard); `meds` itself is the judge of what is written.
"""

import polars as pl

BIRTH = "MEDS_BIRTH"
DEATH = "MEDS_DEATH"

# Types of the columns that Osler knows. Other columns of a dataset are carried along untouched.
EVENT_TYPES: dict[str, pl.DataType] = {
    "subject_id": pl.Int64(),
    "time": pl.Datetime("us"),
    "code": pl.String(),
    "numeric_value": pl.Float32(),
    "text_value": pl.String(),
    "unit": pl.String(),
    "visit_id": pl.Int64(),
    "note_id": pl.Int64(),
}
REQUIRED = ("subject_id", "time", "code")

# Engines scramble ties; "first", "last" and "latest" always mean this order, nulls first.
CANONICAL_ORDER = ("subject_id", "time", "code", "numeric_value", "text_value", "unit", "visit_id")

CODE_TYPES: dict[str, pl.DataType] = {
    "code": pl.String(),
    "description": pl.String(),
    "parent_codes": pl.List(pl.String()),
    "kind": pl.String(),
    "levels": pl.List(pl.String()),
    "section": pl.String(),
    "unit": pl.String(),
    "role": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
KINDS = ("numeric", "ordinal", "categorical", "flag", "note")
ROLES = ("baseline", "intervention", "outcome", "identifier")

# Sections of a clinical record. Tables may bring names of their own (their dictionary's groups).
DEMOGRAPHICS = "demographics"
BODY = "body"
VITALS = "vitals"
LABS = "labs"
VISITS = "visits"
CONDITIONS = "conditions"
MEDICATIONS = "medications"
PROCEDURES = "procedures"
NOTES = "notes"
OTHER = "other"
SECTIONS = (DEMOGRAPHICS, BODY, VITALS, LABS, VISITS, CONDITIONS, MEDICATIONS, PROCEDURES, NOTES, OTHER)

TRAIN = "train"
TUNING = "tuning"
HELD_OUT = "held_out"

# Keys of a sample, and the site of a sample whose record names none.
SAMPLE_KEY = ("subject_id", "prediction_time")
UNKNOWN = "unknown"
