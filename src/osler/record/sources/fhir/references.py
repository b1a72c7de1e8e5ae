"""References between resources: each becomes the id that it names and the key that it can be found by.

A reference may name a resource by type and id, by an address, by an identifier, or inside the resource
itself. What a key stands for is known when everything was read, in whatever order; the second pass looks.
"""

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from osler.record.sources.fhir.json_values import Node, Reasons, child, children, text

NONE_GIVEN = "no reference"
OF_ANOTHER_TYPE = "reference to another type of resource"
CONTAINED = "reference to a resource without identity (contained)"
WORDS_ONLY = "reference in words only"
NOT_UNDERSTOOD = "reference that is not understood"
NO_SUCH_RESOURCE = "reference to a resource that is not there"
SEVERAL_FIT = "reference that several resources fit"


class Link(NamedTuple):
    """A reference, taken apart.

    Attributes:
        id: the id that it names, if it names one.
        key: what to look it up by, where that is more than type and id.
        problem: why it cannot be followed, if it cannot.
    """

    id: str | None
    key: str | None
    problem: str | None


@lru_cache(maxsize=1 << 16)
def parse_reference(reference: str, expected: str) -> Link:
    """Take a reference apart.

    Args:
        reference: as written.
        expected: the type of the resource that it has to name.

    Examples:
        >>> parse_reference("Patient/1/_history/2", "Patient")[:2]
        ('1', None)
        >>> parse_reference("urn:uuid:A1", "Patient")[:2]
        ('A1', 'urn:uuid:a1')
        >>> parse_reference("https://a.org/fhir/Patient/1", "Patient").key
        'https://a.org/fhir/Patient/1'
        >>> parse_reference("Patient?identifier=urn:mrn%7C7", "Patient").key
        'Patient?urn:mrn|7'
        >>> parse_reference("Group/1", "Patient").problem
        'reference to another type of resource'
    """
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return Link(reference.split(":", 2)[2], reference.lower(), None)
    if "?" in reference:
        return _search(reference, expected)
    parts = reference.split("/_history/")[0].split("/")
    if len(parts) < 2 or not parts[-1] or not parts[-2]:
        # An address of any other form can only be the address of an entry of a Bundle.
        return Link(None, reference, None) if ":" in reference else Link(None, None, NOT_UNDERSTOOD)
    if "://" in reference:
        address = "/".join(parts)
        if parts[-2] == expected:
            return Link(parts[-1], address, None)
        # It may still be the address of an entry of a Bundle.
        return Link(None, address, OF_ANOTHER_TYPE if parts[-2][0].isupper() else None)
    if parts[-2] != expected or len(parts) != 2:
        return Link(None, None, OF_ANOTHER_TYPE if len(parts) == 2 else NOT_UNDERSTOOD)
    return Link(parts[-1], None, None)


def _search(reference: str, expected: str) -> Link:
    """A conditional reference: a search that finds one resource, by its identifier."""
    place, _, query = reference.partition("?")
    if place.rpartition("/")[2] != expected:
        return Link(None, None, OF_ANOTHER_TYPE)
    terms = parse_qs(query, keep_blank_values=True)
    if list(terms) != ["identifier"] or len(terms["identifier"]) != 1:
        return Link(None, None, NOT_UNDERSTOOD)
    return Link(None, f"{expected}?{terms['identifier'][0]}", None)


def link(node: Node, name: str, expected: str, contained: Any, reasons: Reasons) -> Link:
    """The reference in a field, taken apart.

    Args:
        node: the object with the field.
        name: the field.
        expected: the type of the resource that it has to name.
        contained: the list of resources inside the resource, or None.
        reasons: counts of what is wrong.

    Examples:
        >>> from collections import Counter
        >>> link({"subject": {"reference": "Patient/1"}}, "subject", "Patient", None, Counter()).id
        '1'
        >>> link({}, "subject", "Patient", None, Counter()).problem
        'no reference'
    """
    if node.get(name) is None:
        return Link(None, None, NONE_GIVEN)
    return link_of(child(node, name, reasons), expected, contained, reasons)


def link_of(inside: Node, expected: str, contained: Any, reasons: Reasons) -> Link:
    """A reference object, taken apart; as `link`."""
    reference = text(inside, "reference", reasons)
    if reference is None:
        kind = text(inside, "type", reasons)
        if kind is not None and kind.rpartition("/")[2] != expected:
            return Link(None, None, OF_ANOTHER_TYPE)
        key = _identifier_key(child(inside, "identifier", reasons), expected, reasons)
        if key is not None:
            return Link(None, key, None)
        return Link(None, None, WORDS_ONLY if inside.get("display") else NONE_GIVEN)
    if not reference.startswith("#"):
        return parse_reference(reference, expected)
    owned = contained_resource(contained, reference)
    if owned is None or owned.get("resourceType") != expected:
        return Link(None, None, CONTAINED if owned is None else OF_ANOTHER_TYPE)
    keys = [_identifier_key(one, expected, reasons) for one in children(owned, "identifier", reasons)]
    found = next(filter(None, keys), None)
    return Link(None, found, CONTAINED if found is None else None)


def contained_resource(contained: Any, reference: str) -> Node | None:
    """The resource inside a resource that `#id` names."""
    if not reference.startswith("#") or not isinstance(contained, list):
        return None
    for inside in contained:
        if isinstance(inside, dict) and inside.get("id") == reference[1:]:
            return inside
    return None


def _identifier_key(identifier: Node, kind: str, reasons: Reasons) -> str | None:
    """The key of a resource that is named by an identifier; one without a system may be of any."""
    with_system, without = identifier_keys([identifier], kind, reasons) or (None, None)
    return with_system if "system" in identifier else without


def identifier_keys(identifiers: list[Node], kind: str, reasons: Reasons) -> list[str]:
    """The keys that identifiers of a resource can be found by: with the system, and without.

    Examples:
        >>> from collections import Counter
        >>> identifier_keys([{"system": "urn:mrn", "value": "7"}], "Patient", Counter())
        ['Patient?urn:mrn|7', 'Patient?7']
    """
    keys = []
    for identifier in identifiers:
        value = text(identifier, "value", reasons)
        if value is not None:
            system = text(identifier, "system", reasons)
            keys.append(f"{kind}?{system or ''}|{value}")
            keys.append(f"{kind}?{value}")
    return keys


def address_keys(address: str, kind: str, identity: str) -> list[str]:
    """The keys that the address of a Bundle's entry adds to type and id, if it adds any.

    Args:
        address: the entry's `fullUrl`.
        kind: the type of its resource.
        identity: the id of its resource.

    Examples:
        >>> address_keys("https://a.org/Patient/1", "Patient", "1")
        []
        >>> address_keys("urn:uuid:X", "Patient", "1")
        ['urn:uuid:x']
        >>> address_keys("https://a.org/Patient/2", "Patient", "1")
        ['https://a.org/Patient/2', 'Patient/2']
    """
    found = parse_reference(address, kind)
    if found.id == identity and found.key in (None, address):
        return []
    # A relative reference inside the Bundle means the address of its server.
    is_other = found.id not in (None, identity)
    relative = [f"{kind}/{found.id}"] if is_other and "://" in address else []
    return [found.key or address, *relative]


def server_of(address: str | None, kind: str) -> str | None:
    """The address of the server that holds a resource, where its own address tells.

    Examples:
        >>> server_of("https://a.org/fhir/Patient/1", "Patient"), server_of("urn:uuid:1", "Patient")
        ('https://a.org/fhir', None)
    """
    if address is None or "://" not in address:
        return None
    server, found, _ = address.partition(f"/{kind}/")
    return server if found else None
