"""A plain-Python renderer, written apart from the product: one sample, one event at a time."""

import hashlib
import json
import re
from datetime import datetime, timedelta

SECTION_ORDER = [
    "demographics",
    "body",
    "vitals",
    "labs",
    "visits",
    "conditions",
    "medications",
    "procedures",
]
HEADINGS = {
    "demographics": "Demographics",
    "body": "Body metrics",
    "vitals": "Vital signs",
    "labs": "Laboratory results",
    "visits": "Visits",
    "conditions": "Conditions",
    "medications": "Medications",
    "procedures": "Procedures",
    "notes": "Notes",
    "other": "Other",
}
NOT_MEASURED = {"demographics", "visits", "conditions", "medications", "procedures"}
DAY = 86_400_000_000
# How units read; the others of the cases read as they are written.
READ = {"mm[Hg]": "mmHg", "10*3/uL": "10^3/µL", "Cel": "°C", "ug/kg/min": "µg/kg/min", "{score}": None}


def number_text(value):
    text = format(float(value), ".2f").rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def clean(text):
    return " ".join(text.split()) if text and text.split() else None


def age_text(birth: datetime, at: datetime):
    months = 0
    year, month = birth.year, birth.month
    while True:
        month += 1
        if month == 13:
            year, month = year + 1, 1
        # A month is complete when the calendar has reached the day and hour of birth in it.
        if (at.year, at.month) < (year, month):
            break
        if (at.year, at.month) == (year, month) and (at.day, at.time()) < (birth.day, birth.time()):
            break
        months += 1
    if months < 24:
        return "1 month" if months == 1 else f"{months} months"
    return "over 89 years" if months // 12 > 89 else f"{months // 12} years"


class Oracle:
    """Renders samples of `events` (dicts in canonical order) with `codes` (dicts in the book's order)."""

    def __init__(self, events, codes, settings, count, *, undated=False, limits=None):
        self.events, self.settings, self.count, self.undated = events, settings, count, undated
        self.codes = {entry["code"]: {**entry, "place": i} for i, entry in enumerate(codes)}
        self.limits = limits or {}
        custom = []
        for entry in codes:
            if entry["section"] not in HEADINGS and entry["section"] not in custom:
                custom.append(entry["section"])
        self.sections = [*SECTION_ORDER, *custom, "notes", "other"]
        self.style = settings.style

    def value(self, event):
        book = self.codes[event["code"]]
        word, number = clean(event["text_value"]), event["numeric_value"]
        limit = word is not None and re.match(r"[<>]=?\s*\d", word)
        if word and (limit or number is None or book["kind"] in ("ordinal", "categorical", "flag", "note")):
            return word, False
        return (None, False) if number is None else (number_text(number), True)

    def unit(self, event):
        written = clean(event["unit"]) or clean(self.codes[event["code"]]["unit"])
        return READ.get(written, written)

    def book_unit(self, book):
        return READ.get(clean(book["unit"]), clean(book["unit"]))

    def mark(self, event, sample):
        book = self.codes[event["code"]]
        low, high = book["low"], book["high"]
        if not ((low is not None or high is not None) and self.unit(event) == self.book_unit(book)):
            low, high = self.limits.get((event["code"], self.unit(event)), (None, None))
        if low is None and high is None:
            return ""
        if low is not None and event["numeric_value"] < low:
            return " (low)"
        return " (high)" if high is not None and event["numeric_value"] > high else " (normal)"

    def in_series(self, event):
        book = self.codes[event["code"]]
        numeric = event["numeric_value"] is not None
        numeric = numeric and book["kind"] not in ("ordinal", "categorical", "flag", "note")
        if self.style == "trend":
            return numeric
        return self.style in ("markdown", "json") and numeric and book["section"] not in NOT_MEASURED

    def in_visits(self, event):
        return (
            self.style in ("markdown", "json")
            and self.codes[event["code"]]["section"] == "visits"
            and event["time"] is not None
            and not self.undated
        )

    def values(self, event, visible, at):
        """Text of the value of a line, and the events behind it."""
        if not (self.in_series(event) or self.in_visits(event)):
            return self.value(event)[0], [event]
        used = [event]
        for other in reversed(visible[: visible.index(event)]):
            if len(used) == 3:
                break
            if other["code"] != event["code"]:
                continue
            if self.in_visits(event):
                if other["time"] is not None:
                    used.append(other)
            elif other["numeric_value"] is not None and self.unit(other) == self.unit(event):
                used.append(other)
        pieces = []
        for one in used:
            text, is_number = self.value(one)
            if self.in_visits(one):
                days = (at - one["time"]) // timedelta(days=1)
                ago = {0: "same day", 1: "1 day before"}.get(days, f"{days} days before")
                text = f"{text} ({ago})" if text else ago
            elif self.style in ("markdown", "json") and is_number:
                text += self.mark(one, at)
            pieces.append(text)
        said = ", ".join(pieces)
        if self.style == "trend" and not self.undated:
            said += self.slope(used)
        return said, used

    def slope(self, used):
        used = [event for event in used if event["time"] is not None]
        if len(used) < 2:
            return ""
        micro = [(event["time"] - used[0]["time"]) // timedelta(microseconds=1) for event in used]
        x = [one / DAY for one in micro]
        y = [float(event["numeric_value"]) for event in used]
        mx, my = sum(x) / len(x), sum(y) / len(y)
        x, y = [one - mx for one in x], [one - my for one in y]
        spread = sum(one * one for one in x)
        if spread <= 0:
            return ""
        slope = sum(a * b for a, b in zip(x, y, strict=True)) / spread
        if abs(slope) < 0.1:
            text = format(round(slope * 10_000) / 10_000, ".4f").rstrip("0").rstrip(".")
            text = "0" if text == "-0" else text
        else:
            text = number_text(round(slope * 100) / 100) if abs(slope * 100) < 2**53 else number_text(slope)
        return f" ({'' if text == '0' or text[0] == '-' else '+'}{text} per day)"

    def statement(self, name, unit, value, time):
        if self.style == "json":
            entry = {"name": name}
            if value is not None and unit is not None:
                entry["unit"] = unit
            if value is not None:
                entry["value"] = value
            return json.dumps(entry, ensure_ascii=False)
        text = name if value is None else f"{name} ({unit}): {value}" if unit else f"{name}: {value}"
        if self.style == "list-recent+time" and time is not None:
            text = f"{time:%Y-%m-%d}: {text}"
        return text

    def lines(self, subject, at):
        """Lines in the order of dropping: kept ones first, then newest first."""
        seen = [
            event
            for event in self.events
            if event["subject_id"] == subject and (event["time"] is None or event["time"] <= at)
        ]
        drop = set(self.settings.drop_sections)
        lines = []
        births = [event for event in seen if event["code"] == "MEDS_BIRTH" and event["time"] is not None]
        sexes = [event for event in seen if event["code"].startswith("GENDER//")]
        if births and "age" not in drop:
            text = self.statement("Age", None, age_text(births[-1]["time"], at), None)
            lines.append(
                {"text": text, "section": "age", "time": births[-1]["time"], "rows": [births[-1]["row"]]}
            )
        if sexes and "sex" not in drop:
            word = sexes[-1]["code"].removeprefix("GENDER//").lower()
            word = {"f": "female", "m": "male", "u": "unknown", "": "unknown"}.get(word, word)
            text = self.statement("Sex", None, word, None)
            lines.append(
                {"text": text, "section": "sex", "time": sexes[-1]["time"], "rows": [sexes[-1]["row"]]}
            )
        keep = len(lines)
        if self.settings.lookback is not None:
            start = at - timedelta(days=self.settings.lookback)
            seen = [event for event in seen if event["time"] is None or event["time"] > start]
        visible = []
        for event in seen:
            book = self.codes[event["code"]]
            if book["section"] in drop or book["role"] == "identifier":
                continue
            if event["code"] == "MEDS_BIRTH" or event["code"].startswith("GENDER//"):
                continue
            visible.append(event)
        rest = [] if self.style == "notes" else self.event_lines(visible, at)
        how = self.settings.notes or ("sentences" if self.style == "notes" else None)
        if how:
            rest += self.note_lines(visible, how)
        rest.sort(key=lambda line: line["key"])
        return lines + rest, keep

    def event_lines(self, visible, at):
        shown = {}
        for event in visible:
            if event["code"].startswith("NOTE//"):
                continue
            if self.style == "list-first":
                shown.setdefault(event["code"], event)
            else:
                shown[event["code"]] = event
        lines, groups = [], {}
        for event in shown.values():
            book = self.codes[event["code"]]
            if book["kind"] == "flag" and book["parent_codes"]:
                groups.setdefault(book["parent_codes"][0], []).append(event)
                continue
            value, used = self.values(event, visible, at)
            text = self.statement(clean(book["description"]), self.unit(event), value, event["time"])
            lines.append(self.line(text, event, used))
        for parent, events in groups.items():
            events.sort(key=lambda event: self.codes[event["code"]]["place"])
            labels = [
                clean(self.codes[event["code"]]["description"])
                for event in events
                if not self.is_unchecked(event)
            ]
            name = self.codes.get(parent, {}).get("description") or parent.replace("//", " ").replace(
                "_", " "
            )
            anchor = min(events, key=self.key)
            text = self.statement(name, None, ", ".join(labels) or "none", anchor["time"])
            lines.append(self.line(text, anchor, events))
        return lines

    def is_unchecked(self, event):
        if event["text_value"] is None:
            return event["numeric_value"] == 0
        return event["text_value"].strip().lower() == "unchecked"

    def note_lines(self, visible, how):
        from osler.statements.sentences import split_sentences

        lines = []
        for event in visible:
            text = event["text_value"]
            if not event["code"].startswith("NOTE//") or not text or not text.strip():
                continue
            spans = split_sentences(text)
            said = [clean(text[a:b]) for a, b in spans] if how == "sentences" else [text.strip()]
            for i, one in enumerate(said):
                name, value = one, None
                if self.style == "json":
                    name, value = clean(self.codes[event["code"]]["description"]), one
                line = self.line(self.statement(name, None, value, event["time"]), event, [event])
                line["key"] = (*line["key"], i)
                lines.append(line)
        return lines

    def key(self, event):
        newest_first = -((event["time"] or datetime.min) - datetime.min).total_seconds()
        return (newest_first, self.codes[event["code"]]["place"], self.events.index(event))

    def line(self, text, event, used):
        section = self.codes[event["code"]]["section"]
        return {
            "text": text,
            "section": section,
            "time": event["time"],
            "rows": [one["row"] for one in used],
            "key": self.key(event),
        }

    def assemble(self, lines):
        """The text and its lines in the order of the text."""
        if self.style not in ("markdown", "json", "table"):
            return "\n".join(line["text"] for line in lines), lines
        block = {name: i for i, name in enumerate(self.sections)} | {"age": 0, "sex": 0}
        key = lambda line: block[line["section"]]  # noqa: E731
        if self.style == "table":
            key = lambda line: (block[line["section"]], line.get("key", (0, -1))[1])  # noqa: E731
        lines = sorted(lines, key=key)
        groups = {}
        for line in lines:
            groups.setdefault(self.sections[block[line["section"]]], []).append(line["text"])
        if self.style == "json":
            parts = [
                f'"{HEADINGS.get(name, name)}": [\n' + ",\n".join(texts) + "\n]"
                for name, texts in groups.items()
            ]
            text = "{\n" + ",\n".join(parts) + "\n}" if parts else "{}"
        elif self.style == "markdown":
            text = "\n\n".join(
                f"## {HEADINGS.get(name, name)}\n" + "\n".join("- " + one for one in texts)
                for name, texts in groups.items()
            )
        else:
            text = "\n\n".join(
                HEADINGS.get(name, name) + "\n" + "\n".join(texts) for name, texts in groups.items()
            )
        return text, lines

    def sample(self, subject, at):
        """Text, tokens, dropped statements and lines of one sample."""
        lines, keep = self.lines(subject, at)
        total = len(lines)
        text, shown = self.assemble(lines)
        while self.count(text) > self.settings.budget and len(lines) > keep:
            lines = lines[:-1]
            text, shown = self.assemble(lines)
        found, place = [], 0
        for line in shown:
            place = text.index(line["text"], place)
            sha = hashlib.sha256(line["text"].encode()).hexdigest()[:32]
            found.append(
                {
                    "statement_id": sha,
                    "section": line["section"],
                    "time": line["time"],
                    "rows": line["rows"],
                    "char_start": place,
                    "char_end": place + len(line["text"]),
                }
            )
            place += len(line["text"])
        return {
            "subject_id": subject,
            "prediction_time": at,
            "text": text,
            "n_tokens": self.count(text),
            "n_statements": len(shown),
            "n_dropped": total - len(shown),
            "lines": found,
        }
