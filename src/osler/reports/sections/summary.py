"""What this run shows, in plain sentences, the unwelcome ones too."""

from osler.reports.blocks import Block, Heading, Point, Points, Section, Tile, Tiles, say
from osler.reports.formats import count, number, p_value, percent, with_interval
from osler.reports.runfiles import METRICS, RunFiles
from osler.reports.scores import Score, Scores, is_simple, scores
from osler.reports.sections.comparison import verdict
from osler.reports.sections.phenotypes import summary_point
from osler.reports.suppress import few_events, is_small
from osler.reports.words import plural, task_title
from osler.represent.settings import ENCODED

_SMALL_EFFECT = 0.005


def section(run: RunFiles) -> Section | None:
    """The summary of each task."""
    blocks: list[Block] = []
    tasks = run.tasks()
    for task in tasks:
        found = scores(run, task)
        points = _points(run, task, found)
        tiles = _tiles(run, task, found)
        if not points and not tiles:
            continue
        if len(tasks) > 1:
            blocks.append(Heading(task_title(run, task)))
        if tiles:
            blocks.append(Tiles(tuple(tiles)))
        if points:
            blocks.append(Points(tuple(points)))
    return Section("summary", "What this run shows", tuple(blocks)) if blocks else None


def _tiles(run: RunFiles, task: str, found: Scores | None) -> list[Tile]:
    tiles = []
    name = run.cohort(task, "task.json")
    described = run.json(name) or {}
    n, events = described.get("n_samples"), described.get("n_events")
    patients = described.get("n_patients", described.get("n_subjects"))
    if isinstance(n, int) and not any(is_small(one, min_cell=run.min_cell) for one in (n, patients)):
        tiles.append(Tile("Samples", count(n), files=(name,)))
        if isinstance(events, int) and n:
            hidden = few_events(n, events, described, min_cell=run.min_cell)
            value, note = (
                ("*", "suppressed: too few patients") if hidden else (count(events), percent(events / n))
            )
            tiles.append(Tile("With the event", value, note, files=(name,)))
    best = _best(found)
    if best is not None:
        interval = (
            ""
            if best.low is None
            else with_interval(best.value, best.low, best.high, 3).partition(" ")[2].strip("()")
        )
        tiles.append(
            Tile(
                "Highest AUROC", number(best.value, 3),
                say("{}<br>95 % interval {}", best.model, interval) if interval else best.model,
                files=(METRICS,),
            )
        )  # fmt: skip
    gap = _rival(found)
    if gap is not None:
        words = {"better": "better than", "worse": "worse than", "open": "not distinguishable from"}[
            verdict(gap)
        ]
        tiles.append(
            Tile(
                "Best other model minus the baseline", number(gap.value, 3, signed=True),
                say("{}<br>{} {}", gap.model, words, gap.against), files=(METRICS,),
            )
        )  # fmt: skip
    return tiles


def _points(run: RunFiles, task: str, found: Scores | None) -> list[Point]:
    points = []
    if found is not None:
        points += _prediction(run, found)
    phenotype = summary_point(run, task)
    if phenotype is not None:
        points.append(phenotype)
    return points


def _prediction(run: RunFiles, found: Scores) -> list[Point]:
    best = _best(found)
    if best is None:
        return []
    models = found.models()
    shown = with_interval(best.value, best.low, best.high, 3)
    words = say(
        "Of {}, <strong>{}</strong> has the highest AUROC on held-out subjects: <strong>{}</strong>.",
        plural(len(models), "model"), best.model, shown,
    )  # fmt: skip
    if len(models) > 1:
        words += " It was picked on the data that it is scored on, which flatters it a little."
    points = [Point(words, (METRICS,))]
    gap = _rival(found)
    if gap is not None:
        points.append(Point(_against(run, best, gap), (METRICS,)))
    text = _language_models(run, found)
    if text is not None:
        points.append(text)
    calibration = _calibration(found, best)
    if calibration is not None:
        points.append(calibration)
    return points


def _against(run: RunFiles, best: Score, gap: Score) -> str:
    """The comparison of the best rival with the baseline, stated as it is."""
    numbers = with_interval(gap.value, gap.low, gap.high, 3, signed=True)
    p = "" if gap.p_holm is None else f", {p_value(gap.p_holm)} after Holm's correction"
    fact = f"difference in AUROC {numbers}{p}"
    simple = is_simple(run, str(gap.against)) and not is_simple(run, gap.model)
    plain = "The simpler method wins here" if simple else "The baseline wins here"
    if best.model == gap.against or gap.value <= 0:
        if verdict(gap) == "worse":
            nearest = f"the nearest, {gap.model}, is worse"
            return f"{plain}: no model beats the baseline {gap.against}; {nearest} ({fact})."
        return f"{plain}: no model beats the baseline {gap.against}; the nearest is {gap.model} ({fact})."
    if verdict(gap) == "better":
        size = " The gain is small." if gap.value < _SMALL_EFFECT else ""
        return f"{gap.model} is better than the baseline {gap.against} ({fact}).{size}"
    gain = (
        "so the simpler method is the better choice until more data say otherwise"
        if simple
        else "so neither is shown to be better"
    )
    return (
        f"{gap.model} has a higher AUROC than the baseline {gap.against}, but the data cannot tell them "
        f"apart ({fact}), {gain}."
    )


def _language_models(run: RunFiles, found: Scores) -> Point | None:
    """The best model from counts alone beside the best one from text alone."""
    kinds = {
        name: dict(one or {}).get("kind") for name, one in (run.study.get("representations") or {}).items()
    }
    ranked = [score for model in found.models() if (score := found.get(model, "auroc"))]
    counts = next((score for score in ranked if kinds.get(score.representation) == "counts"), None)
    text = next((score for score in ranked if kinds.get(score.representation) in ENCODED), None)
    if counts is None or text is None:
        return None
    left, right = (with_interval(one.value, one.low, one.high, 3) for one in (text, counts))
    relation = (
        "below" if text.value < counts.value else "above" if text.value > counts.value else "level with"
    )
    gap = found.difference(text.model, "auroc")
    told = ""
    if gap is not None and gap.against == counts.model:
        numbers = with_interval(gap.value, gap.low, gap.high, 3, signed=True)
        p = "" if gap.p_holm is None else f", {p_value(gap.p_holm)}"
        doubt = "; the data cannot tell them apart" if verdict(gap) == "open" else ""
        told = f" (difference {numbers}{p}{doubt})"
    return Point(
        f"The language model on its own ({text.model}) reaches {left}, {relation} counts of the record on "
        f"their own ({counts.model}), {right}{told}.",
        (METRICS,),
    )


def _calibration(found: Scores, best: Score) -> Point | None:
    slope, brier = found.get(best.model, "calibration_slope"), found.get(best.model, "brier")
    if slope is None:
        return None
    shown = with_interval(slope.value, slope.low, slope.high, 2)
    low, high = slope.low, slope.high
    if high is not None and high < 1:
        words = "its predicted risks are too extreme"
    elif low is not None and low > 1:
        words = "its predicted risks are too timid"
    else:
        words = "which is compatible with 1, the ideal"
    score = "" if brier is None else f"; Brier score {with_interval(brier.value, brier.low, brier.high, 4)}"
    return Point(f"Calibration of {best.model}: slope {shown}, {words}{score}.", (METRICS,))


def _best(found: Scores | None) -> Score | None:
    return found.get(found.models()[0], "auroc") if found else None


def _rival(found: Scores | None) -> Score | None:
    """The model with the largest difference to the baseline."""
    rows = found.differences("auroc") if found else []
    return rows[0] if rows else None
