"""One spelling per coded term, `VOCABULARY/CODE`, whatever the source calls the vocabulary and the code."""

import polars as pl

from osler.base.errors import InputError
from osler.record.vocabulary.names import DIAGNOSIS, KINDS, prefix_of


def canonical(vocabulary: str | None, code: str | None, *, kind: str = DIAGNOSIS) -> str | None:
    """The one spelling of a coded term.

    Args:
        vocabulary: the name of its vocabulary, as for `prefix_of`.
        code: the code, with or without the dot of ICD.
        kind: `diagnosis` or `procedure`; decides where the vocabulary says the revision of ICD only.

    Returns:
        `VOCABULARY/CODE`; None when vocabulary or code are null or blank.

    Examples:
        >>> canonical("ICD9", "41401"), canonical("icd-9-cm", "E8788"), canonical("9", "V4581")
        ('ICD9CM/414.01', 'ICD9CM/E878.8', 'ICD9CM/V45.81')
        >>> canonical("http://hl7.org/fhir/sid/icd-10-cm", "i509"), canonical("9", "3615", kind="procedure")
        ('ICD10CM/I50.9', 'ICD9PROC/36.15')
    """
    vocabularies = pl.Series([vocabulary], dtype=pl.String)
    spelled: str | None = canonical_codes(vocabularies, pl.Series([code], dtype=pl.String), kind=kind)[0]
    return spelled


def canonical_codes(vocabulary: pl.Series, code: pl.Series, *, kind: str = DIAGNOSIS) -> pl.Series:
    """The one spelling of each coded term; the same rules as `canonical`.

    Dots of ICD go where they belong, leading zeros that a number has lost come back where nothing else can
    be meant (`38.9` is `038.9` in ICD-9-CM), ICD is upper case, and National Drug Codes written with hyphens
    get their eleven digits. A code that does not look like one of its vocabulary is kept as it is.

    Args:
        vocabulary: names [n], strings or whole numbers (a revision of ICD).
        code: codes [n], strings.
        kind: `diagnosis` or `procedure`, for all of them.

    Returns:
        Strings [n], named `code`; null where vocabulary or code are null or blank.

    Raises:
        InputError: the kind is neither, or the lengths differ.

    Examples:
        >>> canonical_codes(pl.Series(["ICD10CM", "LOINC"]), pl.Series(["E1165", " 718-7 "])).to_list()
        ['ICD10CM/E11.65', 'LOINC/718-7']
    """
    if kind not in KINDS:
        raise InputError(f"no kind of code '{kind}'", allowed=KINDS, remedy="name one of these")
    if len(vocabulary) != len(code):
        raise InputError(
            f"{len(vocabulary)} vocabularies for {len(code)} codes", remedy="give one for each code"
        )
    names = vocabulary.cast(pl.String)
    known = {name: prefix_of(name, kind=kind) for name in names.drop_nulls().unique().to_list()}
    prefixes = names.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String)
    frame = pl.DataFrame({"prefix": prefixes, "code": code.cast(pl.String).str.strip_chars()})
    # Codes repeat: each is spelled once.
    spelled = frame.unique().with_columns(
        spelled=pl.concat_str("prefix", pl.lit("/"), _spelled().replace("", None))
    )
    together = frame.join(spelled, on=["prefix", "code"], how="left", nulls_equal=True, maintain_order="left")
    return together["spelled"].alias("code")


def local_key(code: pl.Expr) -> pl.Expr:
    """What all spellings of a code share: upper case, without dots, hyphens and blanks."""
    return code.str.to_uppercase().str.replace_all(r"[.\-\s]", "")


def _spelled() -> pl.Expr:
    prefix, code = pl.col("prefix"), pl.col("code")
    upper = code.str.to_uppercase()
    bare = upper.str.replace_all(r"[.\s]", "")
    diagnosis, procedure = _zeros(upper, bare, digits=3), _zeros(upper, bare, digits=2)
    # Without a dot, two digits of a procedure may be whole (66) or not (00.66): nothing is guessed.
    procedure = pl.when(upper.str.contains(".", literal=True)).then(procedure).otherwise(bare)
    return (
        pl.when(prefix == "ICD9CM")
        .then(_dotted(diagnosis, r"^(\d{3}|V\d{2}|E\d{3})(\d{0,2})$", otherwise=upper))
        .when(prefix == "ICD9PROC")
        .then(_dotted(procedure, r"^(\d{2})(\d{0,2})$", otherwise=upper))
        .when(prefix.is_in(["ICD10CM", "ICD10"]))
        .then(_dotted(bare, r"^([A-Z]\d[0-9A-Z])([0-9A-Z]{0,4})$", otherwise=upper))
        .when(prefix == "ICD10PCS")
        .then(bare)
        .when(prefix == "NDC")
        .then(_eleven_digits(code))
        .otherwise(code)
    )


def _dotted(bare: pl.Expr, pattern: str, *, otherwise: pl.Expr) -> pl.Expr:
    """The two groups of the pattern with a dot between them; no dot when the second is empty."""
    return (
        pl.when(bare.str.contains(pattern))
        .then(bare.str.replace(pattern, "${1}.${2}").str.strip_suffix("."))
        .otherwise(otherwise)
    )


def _zeros(upper: pl.Expr, bare: pl.Expr, *, digits: int) -> pl.Expr:
    """Leading zeros for a number whose whole part has fewer digits than its vocabulary wants."""
    missing = digits - upper.str.extract(r"^(\d+)(?:\.\d{0,2})?$", 1).str.len_chars().cast(pl.Int64)
    return pl.when(missing == 2).then("00" + bare).when(missing == 1).then("0" + bare).otherwise(bare)


def _eleven_digits(code: pl.Expr) -> pl.Expr:
    """A National Drug Code of labeller, product and package as 5 + 4 + 2 digits."""
    pattern = r"^(\d{4,5})-(\d{3,4})-(\d{1,2})$"
    parts = [code.str.extract(pattern, n).str.zfill(width) for n, width in ((1, 5), (2, 4), (3, 2))]
    return pl.when(code.str.contains(pattern)).then(pl.concat_str(parts)).otherwise(code)
