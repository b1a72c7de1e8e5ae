"""What the making of a typed table left out, and how its variables came about."""

from dataclasses import dataclass, field

# Why a code takes no part.
OUTCOME = "outcome"
IDENTIFIER = "identifier"
INTERVENTION = "intervention"
EXCLUDED = "excluded"
NOTE = "note"
FREE_TEXT = "free text"
NO_VALUE = "no value of its kind"
ONE_VALUE = "one value only"
RARE_LEVELS = "levels too rare"
RARE = "known for too few samples"
COMMON = "the same for nearly all samples"
IMPLIED = "none of the other options of its group"
REASONS = (
    OUTCOME,
    IDENTIFIER,
    INTERVENTION,
    EXCLUDED,
    NOTE,
    FREE_TEXT,
    NO_VALUE,
    ONE_VALUE,
    RARE_LEVELS,
    RARE,
    COMMON,
    IMPLIED,
)


@dataclass(frozen=True)
class TableReport:
    """What stands beside a typed table.

    Attributes:
        left_out: reason (one of `REASONS`) -> codes that are no variable because of it; a family of codes
            (`GENDER//F`, `GENDER//M`) by its name.
        recorded: reason -> flags that only say whether their code was recorded, because its values say
            no more: free text, one value only, levels too rare, no value of the code book's kind.
        passed_over: variable -> samples whose latest event has no value of the variable's kind (a text where
            numbers are read, a number where texts are read, no value); an earlier event was read, or none.
        outside: variable -> samples whose latest value is none of its levels; not known in the table.
        unmatched: patterns of `exclude` that match no code that was recorded.
        absent: with given variables, those that the dataset does not know.

    Examples:
        >>> TableReport(left_out={"note": ("NOTE//discharge",)}).counts()
        {'note': 1}
    """

    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    recorded: dict[str, tuple[str, ...]] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)
    unmatched: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """Number of codes left out, by reason."""
        return {reason: len(codes) for reason, codes in self.left_out.items()}
