"""Resources that an export says are deleted: entries of Bundles that ask for it."""

from typing import Any

from osler.record.sources.fhir.json_values import Node, Reasons, child, text

NO_RESOURCE = "entry without a resource"
NAMES_NOTHING = "deletion that names no resource"
_MOST_DIGITS = 18  # of a number that fits into 64 bits


def deletion_of(entry: Node, reasons: Reasons) -> dict[str, Any] | None:
    """What an entry without a resource deletes.

    Args:
        entry: an entry of a Bundle.
        reasons: counts entries that delete nothing, or nothing that can be told.

    Returns:
        `kind` and `id` of the resource, with `version` and `updated` of the deletion where they are told.

    Examples:
        >>> from collections import Counter
        >>> request = {"method": "DELETE", "url": "Patient/1"}
        >>> deletion_of({"request": request, "response": {"etag": 'W/"3"'}}, Counter())["version"]
        3
    """
    request = child(entry, "request", reasons)
    if request.get("method") != "DELETE":
        reasons[NO_RESOURCE] += 1
        return None
    address = text(request, "url", reasons) or text(entry, "fullUrl", reasons) or ""
    parts = address.split("/_history/")[0].split("/")
    if "?" in address or len(parts) < 2 or not all(parts[-2:]):
        reasons[NAMES_NOTHING] += 1
        return None
    response = child(entry, "response", reasons)
    tag = text(response, "etag", reasons) or ""
    return {
        "kind": parts[-2],
        "id": parts[-1],
        "version": version_number(tag.removeprefix("W/").strip('"')),
        "updated": text(response, "lastModified", reasons),
    }


def version_number(written: Any) -> int | None:
    """The number of a version, where it is one.

    Examples:
        >>> version_number("12"), version_number("a1"), version_number(None)
        (12, None, None)
    """
    digits = str(written) if isinstance(written, str | int) else ""
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    return int(digits) if is_number else None
