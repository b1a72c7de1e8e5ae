"""Names of vocabularies: the many ways of writing one become the prefix of its codes.

Prefixes are the vocabulary ids of the OMOP vocabularies (`ICD10CM`, `SNOMED`, `RxNorm` ...), but for
`ICD9PROC`. URIs are those of HL7 FHIR, object identifiers those of the HL7 registry.
"""

import re
from functools import cache

DIAGNOSIS = "diagnosis"
PROCEDURE = "procedure"
KINDS = (DIAGNOSIS, PROCEDURE)

# Prefix and the names it goes by, reduced to lower-case letters and digits.
_ALIASES = {
    "ICD9CM": "icd9cmdiagnosis icd9cmdiagnoses icd9diagnosis icd9diagnoses icd9dx icd9cmdx icd9code",
    "ICD9PROC": "icd9proc icd9procedure icd9procedures icd9px icd9sg icd9cmproc icd9cmprocedure "
    "icd9cmprocedures icd9cmvol3 icd9vol3 icd9pcs",
    "ICD10CM": "icd10cm icd10cmdiagnosis icd10cmdiagnoses icd10dx icd10diagnosis icd10diagnoses",
    "ICD10PCS": "icd10pcs icd10proc icd10procedure icd10procedures icd10px",
    "ICD10": "icd10who",
    "SNOMED": "snomed snomedct snomedctus sct",
    "LOINC": "loinc lnc",
    "RxNorm": "rxnorm rxcui",
    "RxNorm Extension": "rxnormextension",
    "CVX": "cvx",
    "HCPCS": "hcpcs hcpcslevelii hcpcslevel2",
    "CPT4": "cpt cpt4",
    "ATC": "atc whoatc",
    "NDC": "ndc",
}
# Names that say the revision only; the kind of the code decides between the two.
_BY_KIND = {
    "9": ("ICD9CM", "ICD9PROC"),
    "icd9": ("ICD9CM", "ICD9PROC"),
    "icd9cm": ("ICD9CM", "ICD9PROC"),
    "10": ("ICD10CM", "ICD10PCS"),
    "icd10": ("ICD10", "ICD10PCS"),
}
# URIs without scheme and `www.`, lower case.
_URIS = {
    "hl7.org/fhir/sid/icd-9-cm": "icd9cm",
    "terminology.hl7.org/codesystem/icd9cm": "icd9cm",
    "hl7.org/fhir/sid/icd-9-cm/diagnosis": "icd9dx",
    "hl7.org/fhir/sid/icd-9-cm/procedure": "icd9proc",
    "hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "hl7.org/fhir/sid/icd-10": "icd10",
    "cms.gov/medicare/coding/icd10": "icd10pcs",
    "hl7.org/fhir/sid/icd-10-pcs": "icd10pcs",
    "icd10data.com/icd10pcs": "icd10pcs",
    "snomed.info/sct": "snomed",
    "loinc.org": "loinc",
    "nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "hl7.org/fhir/sid/cvx": "cvx",
    "ama-assn.org/go/cpt": "cpt",
    "cms.gov/medicare/coding/hcpcsreleasecodesets": "hcpcs",
    "nlm.nih.gov/research/umls/hcpcs": "hcpcs",
    "terminology.hl7.org/codesystem/hcpcs": "hcpcs",
    "hl7.org/fhir/sid/ndc": "ndc",
    "whocc.no/atc": "atc",
}
_OIDS = {
    "2.16.840.1.113883.6.103": "icd9dx",
    "2.16.840.1.113883.6.104": "icd9proc",
    "2.16.840.1.113883.6.90": "icd10cm",
    "2.16.840.1.113883.6.3": "icd10",
    "2.16.840.1.113883.6.4": "icd10pcs",
    "2.16.840.1.113883.6.96": "snomed",
    "2.16.840.1.113883.6.1": "loinc",
    "2.16.840.1.113883.6.88": "rxnorm",
    "2.16.840.1.113883.12.292": "cvx",
    "2.16.840.1.113883.6.59": "cvx",
    "2.16.840.1.113883.6.12": "cpt",
    "2.16.840.1.113883.6.14": "hcpcs",
    "2.16.840.1.113883.6.285": "hcpcs",
    "2.16.840.1.113883.6.69": "ndc",
    "2.16.840.1.113883.6.73": "atc",
}
_URN = re.compile(r"^urn:(?:oid|uuid|iso:std:iso):", re.IGNORECASE)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://(?:www\.)?", re.IGNORECASE)


def prefix_of(vocabulary: str, *, kind: str = DIAGNOSIS) -> str | None:
    """The prefix that the codes of a vocabulary carry.

    Args:
        vocabulary: an OMOP vocabulary id, a name such as `icd-9-cm`, a revision (`9`, `10`), a FHIR system
            URI or `urn:oid:...`.
        kind: `diagnosis` or `procedure`; decides where the name says the revision of ICD only.

    Returns:
        The prefix; of an unknown vocabulary the last part of its URI, else its name, without slashes and
        with single blanks. None when nothing is left of it.

    Examples:
        >>> prefix_of("http://hl7.org/fhir/sid/icd-10-cm"), prefix_of("ICD9Proc"), prefix_of("rxnorm")
        ('ICD10CM', 'ICD9PROC', 'RxNorm')
        >>> prefix_of("9"), prefix_of("9", kind="procedure"), prefix_of("https://lab.example.org/tests/")
        ('ICD9CM', 'ICD9PROC', 'tests')
    """
    name = vocabulary.strip().split("|")[0]
    if _SCHEME.match(name):
        name = _SCHEME.sub("", name).rstrip("/")
        known = _URIS.get(name.lower()) or ("snomed" if name.lower().startswith("snomed.info/sct/") else None)
        name = known or name.rsplit("/", 1)[-1].rsplit("#", 1)[-1]
    else:
        name = _URN.sub("", name)
        name = _OIDS.get(name, name)
    return known_prefix(name, kind=kind) or " ".join(name.replace("/", " ").split()) or None


def known_prefix(name: str, *, kind: str = DIAGNOSIS) -> str | None:
    """The prefix of a vocabulary that is known by this name; None for any other name.

    Examples:
        >>> known_prefix("ICD-9-CM"), known_prefix("hospital codes") is None
        ('ICD9CM', True)
    """
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return _BY_KIND[key][KINDS.index(kind)] if key in _BY_KIND else _prefixes().get(key)


@cache
def _prefixes() -> dict[str, str]:
    return {alias: prefix for prefix, aliases in _ALIASES.items() for alias in aliases.split()}
