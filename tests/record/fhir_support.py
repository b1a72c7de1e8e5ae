"""FHIR resources and exports that the tests make."""

import base64
import json
from pathlib import Path
from typing import Any

import polars as pl

from osler.record.sources.fhir.flatten import Flattened, flatten

LOINC, SNOMED, RXNORM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
HL7 = "http://terminology.hl7.org/CodeSystem/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"


def concept(system: str, code: str, display: str | None = None, text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept with one coding."""
    coding = {"system": system, "code": code} | ({} if display is None else {"display": display})
    return {"coding": [coding]} | ({} if text is None else {"text": text})


def resource(kind: str, identity: str | None = None, /, **fields: Any) -> dict[str, Any]:
    """A resource; `subject` and `patient` may be given as the id of a patient."""
    for name in ("subject", "patient"):
        if isinstance(fields.get(name), str):
            fields[name] = {"reference": f"Patient/{fields[name]}"}
    return {"resourceType": kind} | ({} if identity is None else {"id": identity}) | fields


def patient(identity: str = "p", **fields: Any) -> dict[str, Any]:
    """A patient."""
    return resource("Patient", identity, **fields)


def observation(identity: str = "o", /, **fields: Any) -> dict[str, Any]:
    """An observation of patient p without a value."""
    start = {"status": "final", "code": concept(LOINC, "718-7", "Hemoglobin"), "subject": "p"}
    return resource("Observation", identity, **(start | fields))


def attachment(data: bytes | None, content_type: str | None = "text/plain", **fields: Any) -> dict[str, Any]:
    """An attachment with its data in base64."""
    made = {} if data is None else {"data": base64.b64encode(data).decode()}
    return made | ({} if content_type is None else {"contentType": content_type}) | fields


def document(*attachments: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A document of patient p."""
    contents = [{"attachment": one} for one in attachments]
    start = {"status": "current", "subject": "p", "content": contents}
    return resource("DocumentReference", "d", **(start | fields))


def bundle(*entries: dict[str, Any] | tuple[str, dict[str, Any]], kind: str = "collection") -> dict[str, Any]:
    """A Bundle of resources, each alone or with its address."""
    made = [
        {"fullUrl": entry[0], "resource": entry[1]} if isinstance(entry, tuple) else {"resource": entry}
        for entry in entries
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": made}


def ndjson(*resources: dict[str, Any]) -> bytes:
    """Resources, one on each line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in resources)


def write(folder: Path, files: dict[str, bytes | dict[str, Any] | list[dict[str, Any]]]) -> Path:
    """Write files: bytes as they are, a list as NDJSON, an object as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, list):
            path.write_bytes(ndjson(*content))
        else:
            path.write_text(json.dumps(content, indent=1))
    return folder


def flat(folder: Path, *resources: dict[str, Any], **options: Any) -> Flattened:
    """Flatten resources that are given as one NDJSON file."""
    write(folder / "source", {"all.ndjson": list(resources)})
    return flatten(folder / "source", folder / "tables", **options)


def table(found: Flattened, name: str) -> pl.DataFrame:
    """One of the tables that were written."""
    return pl.read_parquet(found.into / f"{name}.parquet")


def only(found: Flattened, name: str) -> dict[str, Any]:
    """The only row of a table."""
    rows = table(found, name).to_dicts()
    assert len(rows) == 1
    return rows[0]
