"""Text of attachments: decoded from base64, in its character set, HTML as plain text. Nothing is fetched.

Several attachments of one document are the same document in several formats (FHIR R4,
DocumentReference.content and DiagnosticReport.presentedForm): plain text is preferred to HTML, and parts of
the chosen format are joined.
"""

import binascii
import re
from base64 import b64decode
from typing import NamedTuple

from osler.record.sources.fhir.json_values import Node, Reasons, text
from osler.record.sources.fhir.plain_text import html_to_text

NO_ATTACHMENT = "no attachment"
BY_ADDRESS_ONLY = "attachment by address only"
NO_CONTENT_TYPE = "attachment without a content type"
INVALID_BASE64 = "attachment that is not valid base64"
NO_TEXT = "attachment without text"
NOT_DECODED = "attachment that is not in its character set"
BESIDE = "attachment beside one that was read"
# Content types that are read, best first.
_PLAIN = ("text/plain", "text/markdown")
_HTML = ("text/html", "application/xhtml+xml")
READ_TYPES = (*_PLAIN, *_HTML)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_META = re.compile(rb"<(?:meta|\?xml)[^>]*?(?:charset|encoding)\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_BINARY = re.compile(r"(?:^|/)Binary/([^/?#]+)(?:/_history/[^/]+)?$")
_HEAD = 1024  # bytes in which HTML has to name its character set


class Content(NamedTuple):
    """What the attachments of a document hold.

    Attributes:
        text: the text; None where there is none to read.
        content_type: the content type that was read, else that of the first attachment.
        problem: why there is no text.
        binary: id of the Binary resource that holds the content, where the attachment names one.
    """

    text: str | None
    content_type: str | None
    problem: str | None
    binary: str | None


def read_attachments(attachments: list[Node], reasons: Reasons) -> Content:
    """The text of the attachments of one document.

    Args:
        attachments: the attachments, in order.
        reasons: counts of attachments that were not read, by reason.

    Examples:
        >>> from base64 import b64encode
        >>> from collections import Counter
        >>> html = {"contentType": "text/html", "data": b64encode(b"<p>Well.</p>").decode()}
        >>> pdf = {"contentType": "application/pdf", "data": "JVBERg=="}
        >>> reasons = Counter()
        >>> read_attachments([pdf, html], reasons).text, dict(reasons)
        ('Well.', {'attachment of type application/pdf': 1})
    """
    if not attachments:
        return Content(None, None, NO_ATTACHMENT, None)
    found: dict[str, list[str]] = {}
    binaries: dict[str, str] = {}
    problems = []
    for node in attachments:
        content_type, charset = content_type_of(node, reasons)
        data = text(node, "data", reasons)
        named = _BINARY.search(text(node, "url", reasons) or "") if data is None else None
        if named and content_type in (None, *READ_TYPES):
            binaries.setdefault(content_type or "", named[1])
            continue
        said, problem = decode(data, content_type, charset)
        if problem is None:
            found.setdefault(str(content_type), []).append(said)
        else:
            problems.append(problem)
    reasons.update(problems)
    first_type = content_type_of(attachments[0], reasons)[0]
    best = next((kind for kind in READ_TYPES if kind in found), None)
    if best is not None:
        beside = sum(len(parts) for kind, parts in found.items() if kind != best) + len(binaries)
        if beside:
            reasons[BESIDE] += beside
        return Content("\n\n".join(dict.fromkeys(found[best])), best, None, None)
    chosen = next((kind for kind in (*READ_TYPES, "") if kind in binaries), None)
    if chosen is not None:
        return Content(None, chosen or None, None, binaries[chosen])
    return Content(None, first_type, problems[0], None)


def content_type_of(node: Node, reasons: Reasons) -> tuple[str | None, str | None]:
    """Content type and character set, as `contentType` says them.

    Examples:
        >>> from collections import Counter
        >>> content_type_of({"contentType": "Text/HTML; charset=ISO-8859-1"}, Counter())
        ('text/html', 'ISO-8859-1')
    """
    written = text(node, "contentType", reasons)
    if written is None:
        return None, None
    charset = _CHARSET.search(written)
    return written.partition(";")[0].strip().lower() or None, charset[1] if charset else None


def decode(data: str | None, content_type: str | None, charset: str | None) -> tuple[str, str | None]:
    """The text of base64 data, or why there is none.

    Args:
        data: base64; blanks and line breaks in it are allowed.
        content_type: in lower case, without parameters.
        charset: the declared character set; without one, that of the HTML's own head, else UTF-8.

    Returns:
        The text and None, or no text and the reason.

    Examples:
        >>> decode("Q2Fm6Q==", "text/plain", "iso-8859-1"), decode("Q2Fm6Q==", "text/plain", None)[1]
        (('Café', None), 'attachment that is not in its character set')
    """
    if data is None:
        return "", BY_ADDRESS_ONLY
    if content_type is None:
        return "", NO_CONTENT_TYPE
    if content_type not in READ_TYPES:
        return "", f"attachment of type {content_type}"
    try:
        content = b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return "", INVALID_BASE64
    is_html = content_type in _HTML
    if charset is None and is_html:
        declared = _META.search(content[:_HEAD])
        charset = declared[1].decode() if declared else None
    try:
        said = content.decode(charset or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return "", NOT_DECODED
    said = said.removeprefix("\ufeff")
    said = html_to_text(said) if is_html else said.replace("\r\n", "\n").strip()
    return (said, None) if said else ("", NO_TEXT)
