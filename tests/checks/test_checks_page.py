"""Every check is on its page, with the limits that it has."""

from pathlib import Path

from osler.checks import dataset_duplicates, dataset_impossible, dataset_sites, label_sites, mixture, screen
from osler.checks.dataset_lifetimes import CODED_WITHIN, OLDEST
from osler.checks.numbers import SENTINELS
from osler.checks.registry import CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


def test_every_check_has_its_row():
    rows = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `")}
    assert rows == set(CHECKS)
    assert "`leakage`" in PAGE


def test_the_limits_are_those_of_the_code():
    assert f"({CODED_WITHIN.days} days for conditions, procedures and notes)" in WORDS
    assert f"an age above {round(OLDEST.days / 365.25)} years" in WORDS
    assert dataset_duplicates.FEW == 0.001
    assert "more than 1 in 1,000" in WORDS
    assert dataset_sites.FEW == label_sites.FEW == screen.FEW == 10
    assert f"at least {mixture.FEWEST} numbers and {mixture.LEAST:.0%} of them".replace("%", " %") in WORDS
    assert f"within {mixture.NEAR} robust standard deviations" in WORDS
    assert f"within a factor of {mixture.ALIKE}" in WORDS
    assert f"AUROC is at least {screen.TELLING:.2f}" in WORDS
    assert f"lies above {screen.STRONG:.2f} as a whole" in WORDS
    assert f"at least {100 * dataset_impossible.SEEN:.1f} % of a code's numbers" in WORDS
    assert all(f"{number:g}" in WORDS for number in SENTINELS)
