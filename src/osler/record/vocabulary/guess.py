"""Which vocabulary a list of codes belongs to, judged by what the codes look like."""

import re
from collections.abc import Iterable

# An ICD code without its dot. ICD-9 categories are numbers, V or E codes; procedures have two to four digits.
_ICD10CM = re.compile(r"[A-Z]\d[0-9A-Z][0-9A-Z]{0,4}")
_ICD10PCS = re.compile(r"[0-9A-HJ-NP-Z]{7}|[0-9A-HJ-NP-Z]{3}")
_ICD9CM = re.compile(r"\d{3,5}|V\d{2,4}|E\d{3,4}")
_ICD9_PROCEDURE = re.compile(r"\d{2,4}")
_SHARE = 0.98
_MANY = 200


def guess_vocabulary(codes: Iterable[str]) -> str | None:
    """The classification that at least 98 % of the codes fit, or None.

    Numbers of up to four digits alone are procedures when one has two digits or begins with 000, which no
    diagnosis of ICD-9-CM does, or when there are many: a long list of diagnoses holds codes of five digits,
    or V and E codes. Codes that are both, as `V45` is of two revisions, go to ICD-9-CM when all of the list
    can.

    Args:
        codes: with or without dots; blanks around them do not count.

    Returns:
        `ICD10PCS`, `ICD9PROC`, `ICD9CM`, `ICD10CM` or None.

    Examples:
        >>> guess_vocabulary(["A00", "A000", "S52501A"]), guess_vocabulary(["0010", "V4581", "41401"])
        ('ICD10CM', 'ICD9CM')
        >>> guess_vocabulary(["0016070", "001", "02703ZZ"]), guess_vocabulary(["0001", "361", "3615"])
        ('ICD10PCS', 'ICD9PROC')
        >>> guess_vocabulary(["4019", "486"]), guess_vocabulary(["44054006", "718-7"]) is None
        ('ICD9CM', True)
    """
    bare = [code.strip().upper().replace(".", "") for code in codes]
    bare = [code for code in bare if code]
    if not bare:
        return None
    if _fits(bare, _ICD10PCS) and any(len(code) == 7 for code in bare) and not _fits(bare, _ICD10CM):
        return "ICD10PCS"
    if _fits(bare, _ICD9CM) and any(len(code) == 5 or not code.isdigit() for code in bare):
        return "ICD9CM"
    if _fits(bare, _ICD9_PROCEDURE):
        of_procedures = any(len(code) == 2 or code.startswith("000") for code in bare)
        return "ICD9PROC" if of_procedures or len(bare) >= _MANY else "ICD9CM"
    return "ICD10CM" if _fits(bare, _ICD10CM) else None


def _fits(codes: list[str], pattern: re.Pattern[str]) -> bool:
    return sum(pattern.fullmatch(code) is not None for code in codes) >= _SHARE * len(codes)
