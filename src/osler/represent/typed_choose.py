"""From what is known of each slot to the variables of a typed table, and why the other slots are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from osler.represent.settings import TypedSettings
from osler.represent.typed import Kind, Variable
from osler.represent.typed_facts import Facts
from osler.represent.typed_report import (
    COMMON,
    FREE_TEXT,
    NO_VALUE,
    ONE_VALUE,
    RARE,
    RARE_LEVELS,
    REASONS,
)
from osler.represent.typed_slots import Slot, Slots

_WORDS = {
    "unchecked": 0, "no": 0, "false": 0, "0": 0, "absent": 0, "negative": 0,
    "checked": 1, "yes": 1, "true": 1, "1": 1, "present": 1, "positive": 1,
}  # fmt: skip


@dataclass
class Choice:
    """The variables chosen.

    Attributes:
        variables: in the order of the code book.
        left_out: reason -> names of slots.
        recorded: reason -> names of the flags that say only whether their code was recorded.
    """

    variables: list[Variable] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    recorded: dict[str, list[str]] = field(default_factory=dict)


def flag_values(slot: Slot) -> dict[str, int]:
    """What the texts of a flag mean: its two levels in the code book (no, yes), else words for no and yes.

    Examples:
        >>> flag_values(Slot("F", "Fever", levels=("Unchecked", "Checked")))
        {'Unchecked': 0, 'Checked': 1}
        >>> flag_values(Slot("F", "Fever"))["Yes"]
        1
    """
    if len(slot.levels) == 2:
        return {slot.levels[0]: 0, slot.levels[1]: 1}
    return {
        spelled: value
        for word, value in _WORDS.items()
        for spelled in (word, word.capitalize(), word.upper())
    }


def choose(slots: Slots, facts: Facts, *, n_samples: int, settings: TypedSettings) -> Choice:
    """Decide what becomes of each slot that a sample sees, and list those that have no part by their role.

    Args:
        slots: what codes mean.
        facts: what the samples know.
        n_samples: number of samples.
        settings: how many must know a variable, how many levels it may have.
    """
    choice = Choice()
    for place, slot in enumerate(slots.slots):
        if slot.left_out is not None and slot.left_out == slot.role:
            choice.left_out.setdefault(slot.left_out, []).append(slot.name)
        elif facts.any[place]:
            chooser = _Chooser(slot, place, facts, n_samples, settings)
            found = slot.left_out or chooser.variable()
            if isinstance(found, str):
                choice.left_out.setdefault(found, []).append(slot.name)
                continue
            choice.variables.append(found)
            if chooser.fallback is not None:
                choice.recorded.setdefault(chooser.fallback, []).append(slot.name)
    choice.left_out = {reason: choice.left_out[reason] for reason in REASONS if reason in choice.left_out}
    return choice


@dataclass
class _Chooser:
    """Decides on one slot; `fallback` says why only its being recorded counts, where its values do not."""

    slot: Slot
    place: int
    facts: Facts
    n_samples: int
    settings: TypedSettings
    fallback: str | None = None

    def variable(self) -> Variable | str:
        """The variable, or why there is none."""
        kind = self.slot.kind
        if kind is None:
            number, text = self.facts.number[self.place], self.facts.text[self.place]
            kind = "flag" if number == text == 0 else "numeric" if number >= text else "categorical"
        if kind == "flag":
            return self._flag()
        return self._numeric() if kind == "numeric" else self._choice(ordered=kind == "ordinal")

    def _numeric(self) -> Variable | str:
        known = int(self.facts.number[self.place])
        if not known:
            return self._recorded(NO_VALUE)
        if self._too_few(known):
            return RARE
        if self.facts.low[self.place] == self.facts.high[self.place]:
            return self._recorded(ONE_VALUE)
        return self._make("numeric")

    def _choice(self, *, ordered: bool) -> Variable | str:
        if self.place in self.facts.many:
            return self._recorded(FREE_TEXT)
        texts = self.facts.texts.get(self.place, {})
        if not texts:
            return self._recorded(NO_VALUE)
        if self._too_few(sum(texts.values())):
            return RARE
        if len(texts) < 2:
            return self._recorded(ONE_VALUE, only=next(iter(texts)))
        if not self.slot.levels and sum(not self._too_few(n) for n in texts.values()) < 2:
            return self._recorded(RARE_LEVELS)
        levels, by_number = self.slot.levels, ordered and not self.slot.levels and _are_numbers(texts)
        if not levels:
            levels = tuple(sorted(texts, key=float)) if by_number else tuple(sorted(texts))
        return self._make("ordinal" if ordered and (self.slot.levels or by_number) else "categorical", levels)

    def _flag(self) -> Variable | str:
        if self.place in self.facts.many:
            return self._recorded(FREE_TEXT)
        texts = self.facts.texts.get(self.place, {})
        if not self.facts.text[self.place]:
            return self._recorded(None)
        meaning = flag_values(self.slot)
        known = sum(n for text, n in texts.items() if text in meaning)
        yes = sum(n for text, n in texts.items() if meaning.get(text) == 1)
        if not known:
            return self._recorded(NO_VALUE)
        if self._too_few(known):
            return RARE
        if yes in (0, known):
            return ONE_VALUE
        if self._too_few(yes, known) or self._too_few(known - yes, known):
            return COMMON
        return self._make("flag")

    def _recorded(self, why: str | None, *, only: str | None = None) -> Variable | str:
        """A flag of whether the code was recorded; in a table a column without values says nothing."""
        if self.slot.column and why is not None:
            return why
        carriers = int(self.facts.any[self.place])
        if self._too_few(carriers):
            return RARE
        if carriers == self.n_samples:
            return ONE_VALUE
        if self._too_few(self.n_samples - carriers):
            return COMMON
        self.fallback = why
        more = f": {only}" if only is not None else " (recorded)" if why is not None else ""
        return self._make("flag", label=self.slot.label + more, recorded=True)

    def _too_few(self, count: int, of: int | None = None) -> bool:
        return not self.slot.column and count / (of or self.n_samples) < self.settings.min_share

    def _make(
        self, kind: Kind, levels: tuple[str, ...] = (), *, label: str | None = None, recorded: bool = False
    ) -> Variable:
        slot = self.slot
        unit = slot.unit if kind == "numeric" else None
        name = slot.label if label is None else label
        return Variable(slot.name, name, kind, levels, slot.section, unit, slot.role, recorded)


def _are_numbers(texts: Mapping[str, int]) -> bool:
    try:
        return all(float(text) == float(text) for text in texts)
    except ValueError:
        return False
