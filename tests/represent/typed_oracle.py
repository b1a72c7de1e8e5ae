"""The typed table of a few events in plain Python, event by event: what `typed_table` is held against."""

import math
from datetime import datetime
from fnmatch import fnmatchcase

T0 = datetime(2020, 1, 1)
NO = {"unchecked", "no", "false", "0", "absent", "negative"}
YES = {"checked", "yes", "true", "1", "present", "positive"}
FAMILIES = ("GENDER", "RACE")


def order(event):
    """Canonical order: nulls first, NaN last."""
    _, time, code, value, text = event
    unknown = math.isnan(value or 0.0)
    number = (value is not None, unknown, 0.0 if unknown else value or 0.0)
    return (time is not None, time or T0, code, *number, text is not None, text or "")


def spelled(value):
    return str(int(value)) if value == int(value) else str(value)


def finite(value):
    return value is not None and math.isfinite(value)


class Table:
    """One column after the other: `columns` is name -> (kind, levels, recorded, values)."""

    def __init__(self, rows, keys, book, settings):
        self.keys, self.settings = keys, settings
        self.book = {row["code"]: row for row in book}
        self.columns, self.left_out, self.recorded = {}, {}, {}
        self.passed_over, self.outside = {}, {}
        self.n = len(keys)
        self.windows = [
            [
                (code, value, (text or "").strip())
                for _, time, code, value, text in sorted((r for r in rows if r[0] == subject), key=order)
                if time is None
                or (
                    time <= moment
                    and (
                        settings.lookback is None
                        or (moment - time).total_seconds() < settings.lookback * 86400
                    )
                )
            ]
            for subject, moment in keys
        ]
        self.age(rows)
        listed = [row["code"] for row in book]
        done = set()
        for code in [*listed, *sorted({row[2] for row in rows} - set(listed))]:
            name = code.split("//")[0].upper()
            name = name if name in FAMILIES else code
            why = self.barred(code, name)
            if why is not None:
                recorded = any(code == event[0] for window in self.windows for event in window)
                if recorded or why == self.book.get(code, {}).get("role"):
                    self.leave(why, code)
            elif not code.startswith("MEDS_BIRTH") and name not in done:
                done.add(name)
                self.column(name)

    def leave(self, why, name):
        self.left_out.setdefault(why, []).append(name)

    def barred(self, code, name):
        row = self.book.get(code, {})
        if row.get("role") in ("outcome", "identifier"):
            return row["role"]
        if code == "MEDS_DEATH":
            return "outcome"
        if row.get("role") == "intervention" and not self.settings.interventions:
            return "intervention"
        names = {code, code.removeprefix("COL//"), name}
        if any(fnmatchcase(one, pattern) for one in names for pattern in self.settings.exclude):
            return "excluded"
        return "note" if row.get("kind") == "note" or code.startswith("NOTE//") else None

    def age(self, rows):
        births = {}
        for subject, time, code, _, _ in rows:
            if code == "MEDS_BIRTH" and time is not None:
                births[subject] = min(time, births.get(subject, time))
        ages = [
            (moment - births[subject]).total_seconds() / 86400 / 365.25
            if subject in births and births[subject] <= moment
            else math.nan
            for subject, moment in self.keys
        ]
        known = [age for age in ages if not math.isnan(age)]
        if not known:
            return
        if not self.settings.age or any(fnmatchcase("age", p) for p in self.settings.exclude):
            self.leave("excluded", "MEDS_BIRTH")
        elif len(known) / self.n < self.settings.min_share:
            self.leave("known for too few samples", "MEDS_BIRTH")
        elif min(known) == max(known):
            self.leave("one value only", "MEDS_BIRTH")
        else:
            self.columns["MEDS_BIRTH"] = ("numeric", (), False, ages)

    def few(self, count, of=None):
        return not self.of_table and count / (of or self.n) < self.settings.min_share

    def column(self, name):
        family = name in FAMILIES
        row = {} if family else self.book.get(name, {})
        kind, levels = ("categorical" if family else row.get("kind")), tuple(row.get("levels") or ())
        self.of_table = name.startswith("COL//")
        mine = [
            [
                (value, code.partition("//")[2] or text if family else text)
                for code, value, text in window
                if (code.split("//")[0].upper() if family else code) == name
                and self.barred(code, name) is None
            ]
            for window in self.windows
        ]
        carriers = sum(bool(events) for events in mine)
        if not carriers:
            return
        numbers = [[value for value, _ in events if finite(value)] for events in mine]
        if kind is None:
            texts = [[text for value, text in events if text and not finite(value)] for events in mine]
            n_numbers, n_texts = sum(map(bool, numbers)), sum(map(bool, texts))
            kind = (
                "flag" if n_numbers == n_texts == 0 else "numeric" if n_numbers >= n_texts else "categorical"
            )
        else:
            texts = [
                [text or spelled(value) for value, text in events if text or finite(value)] for events in mine
            ]
        reads = numbers if kind == "numeric" else texts
        latest = [read[-1] if read else None for read in reads]

        def readable(value, text):
            if kind == "numeric":
                return finite(value)
            declared = family or self.book.get(name, {}).get("kind")
            return bool(text) or finite(value) if declared else bool(text) and not finite(value)

        passed = sum(bool(events) and not readable(*events[-1]) for events in mine)
        if kind == "numeric":
            self.numeric(name, latest, mine, passed)
        elif kind == "flag":
            self.flag(name, latest, mine, passed, levels)
        else:
            self.choice(name, latest, mine, passed, levels, ordered=kind == "ordinal")

    def only_recorded(self, name, mine, why):
        if self.of_table and why is not None:
            return self.leave(why, name)
        carriers = sum(map(bool, mine))
        if self.few(carriers):
            return self.leave("known for too few samples", name)
        if carriers == self.n:
            return self.leave("one value only", name)
        if self.few(self.n - carriers):
            return self.leave("the same for nearly all samples", name)
        if why is not None:
            self.recorded.setdefault(why, []).append(name)
        self.columns[name] = ("flag", (), True, [float(bool(events)) for events in mine])
        return None

    def keep(self, name, kind, levels, values, passed, outside=0):
        self.columns[name] = (kind, levels, False, [math.nan if v is None else float(v) for v in values])
        if passed:
            self.passed_over[name] = passed
        if outside:
            self.outside[name] = outside

    def numeric(self, name, latest, mine, passed):
        known = [value for value in latest if value is not None]
        if not known:
            return self.only_recorded(name, mine, "no value of its kind")
        if self.few(len(known)):
            return self.leave("known for too few samples", name)
        if min(known) == max(known):
            return self.only_recorded(name, mine, "one value only")
        return self.keep(name, "numeric", (), latest, passed)

    def choice(self, name, latest, mine, passed, levels, *, ordered):
        given = bool(levels)
        known = [text for text in latest if text is not None and (not given or text in levels)]
        distinct = sorted(set(known))
        if not given and len(distinct) > self.settings.max_levels:
            return self.only_recorded(name, mine, "free text")
        if not known:
            return self.only_recorded(name, mine, "no value of its kind")
        if self.few(len(known)):
            return self.leave("known for too few samples", name)
        if len(distinct) < 2:
            return self.only_recorded(name, mine, "one value only")
        if not given and sum(not self.few(known.count(text)) for text in distinct) < 2:
            return self.only_recorded(name, mine, "levels too rare")
        if not given:
            try:
                levels = tuple(sorted(distinct, key=float) if ordered else distinct)
            except ValueError:
                levels, ordered = tuple(distinct), False
        outside = sum(text is not None and text not in levels for text in latest)
        values = [levels.index(text) if text in levels else None for text in latest]
        return self.keep(name, "ordinal" if ordered else "categorical", levels, values, passed, outside)

    def flag(self, name, latest, mine, passed, levels):
        if all(text is None for text in latest):
            return self.only_recorded(name, mine, None)
        distinct = {text for text in latest if text is not None}
        if not levels and len(distinct) > self.settings.max_levels:
            return self.only_recorded(name, mine, "free text")
        no, yes = ({levels[0]}, {levels[1]}) if levels else (NO, YES)
        read = [None if text is None else text if levels else text.lower() for text in latest]
        values = [1 if text in yes else 0 if text in no else None for text in read]
        known = [value for value in values if value is not None]
        if not known:
            return self.only_recorded(name, mine, "no value of its kind")
        if self.few(len(known)):
            return self.leave("known for too few samples", name)
        if sum(known) in (0, len(known)):
            return self.leave("one value only", name)
        if self.few(sum(known), len(known)) or self.few(len(known) - sum(known), len(known)):
            return self.leave("the same for nearly all samples", name)
        outside = sum(text is not None and value is None for text, value in zip(latest, values, strict=True))
        return self.keep(name, "flag", (), values, passed, outside)
