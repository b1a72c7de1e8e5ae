"""Sentences of clinical notes, with their exact places. Simple rules, no model.

A sentence ends at a full stop, question or exclamation mark before white space, unless the stop belongs to a
known abbreviation, an initial or a numbered item; at an empty line; and at a line break where the next line
starts an item or a heading or the line before ends short, as lists do. Wrapped lines stay together.
"""

import re

_ABBREVIATIONS = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "vs",
        "etc",
        "eg",
        "ie",
        "approx",
        "ca",
        "no",
        "nos",
        "fig",
        "pt",
        "pts",
        "hx",
        "dx",
        "rx",
        "tx",
        "fx",
        "sx",
        "wt",
        "ht",
        "temp",
        "resp",
        "i.e",
        "e.g",
        "a.m",
        "p.m",
        "q.d",
        "q.h",
        "b.i.d",
        "t.i.d",
        "q.i.d",
        "p.o",
        "p.r.n",
        "h.s",
        "i.v",
        "i.m",
        "s.q",
        "s.c",
        "a.c",
        "p.c",
        "o.d",
        "o.s",
        "o.u",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
        "min",
        "max",
        "avg",
        "inc",
        "dept",
    ]
)
_STOP = re.compile(r"[.!?]+[\"')\]]*(?=\s)")
_LAST_WORD = re.compile(r"[A-Za-z][A-Za-z.]*$")
_BLANK = re.compile(r"\n[ \t\r\f\v]*(?:\n\s*)+")
_BREAK = re.compile(r"\n\s*")
_ITEM = re.compile(r"(?:[-*•+#]|\(?\d{1,2}[.)]|[A-Za-z][.)])\s|[A-Z][A-Za-z /&'-]{1,40}:")
_WRAPPED = 60  # characters from which a line is taken to have been broken by a margin
_SENTENCE_END = (".", "!", "?", ":", ";")


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a note stand.

    Args:
        text: the note.

    Returns:
        Start and end (exclusive) in characters, in reading order, without overlap, never empty, without white
        space at the ends; every character that is not white space lies in one of them.

    Examples:
        >>> note = "Seen by Dr. Smith. BP 120/80, temp 37.5. Plan:\\n- aspirin\\n- rest"
        >>> [note[start:end] for start, end in split_sentences(note)]
        ['Seen by Dr. Smith.', 'BP 120/80, temp 37.5.', 'Plan:', '- aspirin', '- rest']
    """
    spans = []
    start = 0
    for cut in [*_cuts(text), len(text)]:
        inner = text[start:cut]
        left = start + len(inner) - len(inner.lstrip())
        right = start + len(inner.rstrip())
        if left < right:
            spans.append((left, right))
        start = cut
    return spans


def _cuts(text: str) -> list[int]:
    cuts = {match.start() for match in _BLANK.finditer(text)}
    cuts.update(match.end() for match in _STOP.finditer(text) if _ends_sentence(text, match))
    cuts.update(match.start() for match in _BREAK.finditer(text) if _starts_anew(text, match))
    return sorted(cuts)


def _ends_sentence(text: str, stop: re.Match[str]) -> bool:
    if not stop.group().startswith(".") or stop.group().startswith(".."):
        return True
    line_start = text.rfind("\n", 0, stop.start()) + 1
    before = text[line_start : stop.start()]
    if before.strip(" \t(").isdigit() and len(before.strip(" \t(")) <= 2:  # "1. aspirin"
        return False
    word = _LAST_WORD.search(before)
    if word is None:
        return True
    name = word.group().lower()
    return not (name in _ABBREVIATIONS or (len(name) == 1 and name != "i"))


def _starts_anew(text: str, gap: re.Match[str]) -> bool:
    line = text[text.rfind("\n", 0, gap.start()) + 1 : gap.start()].rstrip()
    following = text[gap.end() :][:60]
    if not line or not following:
        return True
    if _ITEM.match(following) or line.endswith(_SENTENCE_END):
        return True
    return len(line) < _WRAPPED and not following[:1].islower()
