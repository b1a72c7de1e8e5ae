"""FHIR R4: resources become flat tables, one Parquet file per kind, which a mapping turns into events."""
