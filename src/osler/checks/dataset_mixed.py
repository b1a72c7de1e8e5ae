"""Are numbers of two units stored under one unit? `mixture.py` says how that is recognised."""

from osler.checks.finding import WARNING, Finding, example, listed, percent
from osler.checks.place import Place


def check(place: Place) -> list[Finding]:
    """One finding for all codes whose numbers fit two units; the first of them is the example."""
    if place.survey is None:
        return []
    mixed = place.survey.mixtures
    if mixed.is_empty():
        return []
    named = listed(
        f"{row['code']} ({percent(row['n'], row['n_numbers'])} of the numbers in {row['ucum']} fit "
        f"{'a fraction of 1' if row['other'] == '1' else row['other']}, factor {row['factor']:.4g})"
        for row in mixed.iter_rows(named=True)
    )
    first = mixed.row(0, named=True)
    return [
        Finding(
            WARNING,
            f"codes whose numbers fall into two groups, a conversion of units apart: {named}",
            file=str(place.path),
            column="numeric_value",
            count=int(mixed["n"].sum()),
            example=example(subject_id=first["subject_id"], code=first["code"], unit=first["unit"]),
            remedy="convert the numbers in the source's spec (by site or by size), or, if these are two "
            "quantities or specimens, give each its own code",
        )
    ]
