"""Coded things: which of several codes stands for a concept.

The order of preference is that of `VOCABULARIES`, then HL7's own code systems, then any other, then codes
that say that there is nothing to say; within a rank, a code that a person chose, then the first listed. The
others are kept beside it as FHIR writes tokens: `system|code`, separated by commas.
"""

from functools import lru_cache
from typing import NamedTuple

from osler.record.sources.fhir.json_values import Node, Reasons, child, children, text

# Vocabulary -> how its system is spelled, best first: the international names of findings, drugs and
# vaccines, then classifications, then product and billing codes.
VOCABULARIES = {
    "LOINC": ("loinc.org", "2.16.840.1.113883.6.1"),
    "RxNorm": ("www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88"),
    "CVX": ("hl7.org/fhir/sid/cvx", "2.16.840.1.113883.12.292"),
    "SNOMED": ("snomed.info/sct", "2.16.840.1.113883.6.96"),
    "ICD10CM": ("hl7.org/fhir/sid/icd-10-cm", "2.16.840.1.113883.6.90"),
    "ICD10": ("hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3"),
    "ICD10GM": ("fhir.de/codesystem/bfarm/icd-10-gm", "1.2.276.0.76.5.409"),
    "ICD9CM": ("hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103"),
    "ICD10PCS": ("www.cms.gov/medicare/coding/icd10", "2.16.840.1.113883.6.4"),
    "ICD9PROC": ("hl7.org/fhir/sid/icd-9-cm/procedure", "2.16.840.1.113883.6.104"),
    "ATC": ("www.whocc.no/atc", "2.16.840.1.113883.6.73"),
    "NDC": ("hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69"),
    "HCPCS": ("www.cms.gov/medicare/coding/hcpcsreleasecodesets", "2.16.840.1.113883.6.285"),
    "CPT4": ("www.ama-assn.org/go/cpt", "2.16.840.1.113883.6.12"),
}
HL7_SYSTEMS = ("terminology.hl7.org/", "hl7.org/fhir/")
_SAYS_NOTHING = ("v3-nullflavor", "data-absent-reason", "2.16.840.1.113883.5.1008")
_RANKS = {spelling: rank for rank, names in enumerate(VOCABULARIES.values()) for spelling in names}
_HL7, _OTHER, _NOTHING = len(VOCABULARIES), len(VOCABULARIES) + 1, len(VOCABULARIES) + 2


class Concept(NamedTuple):
    """A coded thing.

    Attributes:
        system: code system of the code, as written.
        code: the code.
        display: what the code means, in the words of its system.
        text: what the person who recorded it wrote or saw.
        other_codes: further codes, `system|code` separated by commas.
    """

    system: str | None
    code: str | None
    display: str | None
    text: str | None
    other_codes: str | None

    @property
    def short(self) -> tuple[str | None, str | None]:
        """The code, or the words where there is no code; and the words, or nothing."""
        words = self.display or self.text
        return self.code or words, words


NO_CONCEPT = Concept(None, None, None, None, None)


def concept(node: Node, name: str, reasons: Reasons) -> Concept:
    """The coded thing in a field that holds one.

    Examples:
        >>> from collections import Counter
        >>> snomed = {"system": "http://snomed.info/sct", "code": "6142004", "display": "Influenza"}
        >>> icd = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J11.1"}
        >>> found = concept({"code": {"coding": [icd, snomed], "text": "Flu"}}, "code", Counter())
        >>> found.code, found.display, found.text, found.other_codes
        ('6142004', 'Influenza', 'Flu', 'http://hl7.org/fhir/sid/icd-10-cm|J11.1')
    """
    inside = node.get(name)
    if inside is None:
        return NO_CONCEPT
    return _merged([child(node, name, reasons)], reasons, own_systems_first=False)


def concepts(node: Node, name: str, reasons: Reasons, *, own_systems_first: bool = False) -> Concept:
    """The coded thing in a field that holds several: the best code of all, and the first text.

    Args:
        node: the object.
        name: the field.
        reasons: counts of what is wrong.
        own_systems_first: whether HL7's own code systems come first: categories are defined there.
    """
    inside = node.get(name)
    if inside is None:
        return NO_CONCEPT
    return _merged(children(node, name, reasons), reasons, own_systems_first=own_systems_first)


def coding(node: Node, name: str, reasons: Reasons) -> Concept:
    """The coded thing in a field that holds a single code with its system."""
    return _concept([child(node, name, reasons)], None, reasons, own_systems_first=False)


def _merged(nodes: list[Node], reasons: Reasons, *, own_systems_first: bool) -> Concept:
    codings: list[Node] = []
    words = None
    for node in nodes:
        codings += children(node, "coding", reasons)
        words = words or text(node, "text", reasons)
    return _concept(codings, words, reasons, own_systems_first=own_systems_first)


def _concept(codings: list[Node], words: str | None, reasons: Reasons, *, own_systems_first: bool) -> Concept:
    if len(codings) == 1:
        only = codings[0]
        return Concept(
            text(only, "system", reasons),
            text(only, "code", reasons),
            text(only, "display", reasons),
            words,
            None,
        )
    if not codings:
        return Concept(None, None, None, words, None)
    found = []
    for place, node in enumerate(codings):
        system, code = text(node, "system", reasons), text(node, "code", reasons)
        rank = _rank(system or "")
        if own_systems_first and rank == _HL7:
            rank = -1
        chosen = node.get("userSelected") is True
        found.append(((code is None, rank, not chosen, place), system, code, text(node, "display", reasons)))
    found.sort(key=lambda item: item[0])
    _, system, code, display = found[0]
    tokens = {_token(other[1], other[2]): None for other in found[1:] if other[2] is not None}
    tokens.pop(_token(system, code), None)
    return Concept(system, code, display, words, ",".join(tokens) or None)


def _token(system: str | None, code: str | None) -> str:
    return "|".join(_escaped(part or "") for part in (system, code))


def _escaped(part: str) -> str:
    """As FHIR's search escapes what would end a token."""
    return part.replace("\\", "\\\\").replace(",", "\\,").replace("|", "\\|")


@lru_cache(maxsize=4096)
def _rank(system: str) -> int:
    """The rank of a code system: low is preferred.

    Examples:
        >>> _rank("urn:oid:2.16.840.1.113883.6.1") == _rank("https://loinc.org/") < _rank("http://snomed.info/sct")
        True
    """
    plain = system.lower().partition("://")[2] or system.lower().removeprefix("urn:oid:")
    plain = plain.rstrip("/")
    if any(part in plain for part in _SAYS_NOTHING):
        return _NOTHING
    if plain in _RANKS:
        return _RANKS[plain]
    return _HL7 if plain.startswith(HL7_SYSTEMS) else _OTHER
