"""Small records for tests: few codes, many ties, nulls, duplicates, checkboxes, notes and an identifier."""

from datetime import datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from osler.record.codebook import complete_codes
from osler.record.dataset import in_canonical_order
from osler.record.schema import EVENT_TYPES

START = datetime(2020, 2, 28, 12)
CODES = [
    {"code": "Z//9", "description": "Zoster  history", "section": "conditions"},
    {"code": "LAB//na", "description": "Sodium", "kind": "numeric", "unit": "mmol/L", "section": "labs"},
    {"code": "LAB//x", "description": "Marker X", "low": 1.0, "high": 5.0, "unit": "U/L", "section": "labs"},
    {"code": "LAB//y", "description": "Überwert", "section": "labs", "unit": "ug/kg/min"},
    {"code": "VITAL//hr", "description": "Heart rate", "kind": "numeric", "section": "vitals"},
    {"code": "ADM//er", "description": "Emergency admission", "section": "visits"},
    {"code": "RX//a", "description": "Aspirin tablet", "section": "medications"},
    {"code": "RX//b", "description": "Aspirin tablet", "section": "medications"},
    {"code": "Q//rash", "description": "Rash", "kind": "flag", "parent_codes": ["Q"], "section": "Symptoms"},
    {
        "code": "Q//cough",
        "description": "Cough",
        "kind": "flag",
        "parent_codes": ["Q"],
        "section": "Symptoms",
    },
    {"code": "Q", "description": "Symptoms now", "section": "Symptoms"},
    {
        "code": "P//one",
        "description": "Oedema",
        "kind": "flag",
        "parent_codes": ["P_two"],
        "section": "Symptoms",
    },
    {"code": "SCALE", "description": "Pain", "kind": "ordinal", "section": "other"},
    {"code": "MRN", "description": "Record number", "role": "identifier", "section": "other"},
    {"code": "NOTE//dc", "description": "Discharge note", "kind": "note", "section": "notes"},
    {"code": "MEDS_BIRTH"},
    {"code": "GENDER//F"},
    {"code": "GENDER//M"},
    {"code": "MEDS_DEATH"},
]
BOOK = complete_codes(
    pl.DataFrame(CODES, schema_overrides={"parent_codes": pl.List(pl.String)}, infer_schema_length=None),
    pl.Series([], dtype=pl.String),
)
NOTE_TEXTS = ("Seen by Dr. Smith. BP 120/80!\n\nPlan:\n- rest\n- fluids", "  ", "One\nwrapped line. Two.")
HOURS = (-24 * 40000, -24 * 700, -24 * 400, -50, -24, -1, 0, 0, 0, 1, 2, 23, 24, 25, 300)
NUMBERS = (None, None, 0.0, 1.0, 1.005, 2.675, 138.0, -0.001, -3.14159, 0.125, 1e15, 5.0)
WORDS = (
    None,
    None,
    None,
    "Checked",
    "Unchecked",
    "Positive",
    "<0.5",
    "> 7",
    " two\n lines ",
    "",
    "naïve \U0001f600",
)
UNITS = (None, None, "mmol/L", " mg/dL ", "", "mm[Hg]", "mmHg", "{score}", "10*3/uL")
PREDICTIONS = (-24 * 500, -25, 0, 0.5, 24, 400, 24 * 30)


@st.composite
def records(draw, subjects=(1, 2, 5), most=28):
    """Event rows of a few subjects, shuffled, as a frame in canonical order with `row`."""
    rows = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "subject_id": st.sampled_from(subjects),
                    "time": st.sampled_from((None, *HOURS)),
                    "code": st.sampled_from([entry["code"] for entry in CODES if entry["code"] != "Q"]),
                    "numeric_value": st.sampled_from(NUMBERS),
                    "text_value": st.sampled_from(WORDS),
                    "unit": st.sampled_from(UNITS),
                }
            ),
            max_size=most,
        )
    )
    for row in rows:
        row["time"] = None if row["time"] is None else START + timedelta(hours=row["time"])
        if row["code"].startswith("NOTE//"):
            row["text_value"] = NOTE_TEXTS[len(row["text_value"] or "") % 3]
    return frame_of(rows)


def frame_of(rows):
    """Rows as events in canonical order, `row` their place in the list."""
    types = {name: EVENT_TYPES[name] for name in EVENT_TYPES if name not in ("visit_id", "note_id")}
    frame = pl.DataFrame(rows, schema=types).with_columns(row=pl.int_range(len(rows), dtype=pl.UInt64))
    return in_canonical_order(frame).select("row", *types)


def sample_frame(pairs):
    """Samples from pairs of subject and hours after the start."""
    return pl.DataFrame(
        [
            {"subject_id": subject, "prediction_time": START + timedelta(hours=hours)}
            for subject, hours in pairs
        ],
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
    )


def samples(subjects=(1, 2, 3, 5)):
    """Up to six distinct samples, several per subject, also of a subject without events."""
    pair = st.tuples(st.sampled_from(subjects), st.sampled_from(PREDICTIONS))
    return st.lists(pair, min_size=1, max_size=6, unique=True).map(sample_frame)
