"""Reports, documents and the content that they refer to, as rows."""

from osler.record.sources.fhir.attachments import content_type_of, decode, read_attachments
from osler.record.sources.fhir.codings import concept, concepts
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, first, text
from osler.record.sources.fhir.references import Link, link, link_of
from osler.record.sources.fhir.rows.common import (
    Placed,
    Row,
    clinical_row,
    set_category,
    set_concept,
    set_link,
)
from osler.record.sources.fhir.times import moment, period, span

SEVERAL_ENCOUNTERS = "several encounters of one document: the first is taken"


def report_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A diagnostic report: code, conclusion and the text of the report."""
    row = clinical_row(resource, reasons)
    row["start"], row["end"] = span(resource, "effective", reasons)
    row["recorded"] = moment(resource, "issued", reasons)
    set_category(row, resource, reasons)
    set_concept(row, concept(resource, "code", reasons))
    row["conclusion"] = text(resource, "conclusion", reasons)
    row["conclusion_code"], row["conclusion_display"] = concepts(resource, "conclusionCode", reasons).short
    _set_content(row, children(resource, "presentedForm", reasons), reasons)
    return [("diagnosticreport", row)]


def document_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A document: its kind, when it was written, when the care that it tells of took place, and its text."""
    row = clinical_row(resource, reasons, encounter="")
    context = child(resource, "context", reasons)
    encounters = children(context, "encounter", reasons)
    if encounters:
        found = link_of(encounters[0], "Encounter", resource.get("contained"), reasons)
        set_link(row, "encounter", found)
        if len(encounters) > 1:
            reasons[SEVERAL_ENCOUNTERS] += 1
    row["start"], row["end"] = period(context, "period", reasons)
    row["recorded"] = moment(resource, "date", reasons)
    row["document_status"] = text(resource, "docStatus", reasons)
    set_category(row, resource, reasons)
    set_concept(row, concept(resource, "type", reasons))
    contents = children(resource, "content", reasons)
    attachments = [child(one, "attachment", reasons) for one in contents]
    created = [moment(one, "creation", reasons) for one in attachments]
    titles = [text(one, "title", reasons) for one in attachments]
    row["created"] = next(filter(None, created), None)
    row["title"] = text(resource, "description", reasons) or next(filter(None, titles), None)
    set_link(
        row, "custodian", link(resource, "custodian", "Organization", resource.get("contained"), reasons)
    )
    row["relation"] = text(first(resource, "relatesTo", reasons), "code", reasons)
    _set_content(row, attachments, reasons)
    return [("documentreference", row)]


def binary_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """The content that a document refers to."""
    content_type, charset = content_type_of(resource, reasons)
    said, problem = decode(text(resource, "data", reasons), content_type, charset)
    if problem is not None:
        reasons[problem] += 1
    row: Row = {"content": said or None, "content_type": content_type, "content_problem": problem}
    return [("binary", row)]


def _set_content(row: Row, attachments: list[Node], reasons: Reasons) -> None:
    found = read_attachments(attachments, reasons)
    row["attachments"] = len(attachments)
    row["content"], row["content_type"], row["content_problem"], binary = found
    if binary is not None:
        set_link(row, "binary", Link(binary, None, None))
