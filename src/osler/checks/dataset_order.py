"""Is each subject in one shard, its rows together and in the order of time, and is every value finite?"""

from osler.checks.finding import BROKEN, OK, Finding, example
from osler.checks.place import Place
from osler.record.check import find_problems


def check(place: Place) -> list[Finding]:
    """The rules that every stage relies on (`osler.record.check`)."""
    dataset = place.dataset
    if dataset is None:
        return []
    found = [
        Finding(
            BROKEN,
            problem.what,
            file=str(problem.file),
            column=problem.column,
            count=problem.count,
            example=example(subject_id=problem.subject_id, file=problem.file),
            remedy=problem.remedy,
        )
        for problem in find_problems(dataset)
    ]
    return found or [Finding(OK, "subjects together, times in order, values finite", file=str(place.path))]
