"""Templates: text with columns in braces. `LAB//{itemid}`, `{item.label}`, `{{` for a brace."""

import re
from dataclasses import dataclass

from osler.base.errors import InputError

_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Name:
    """A column as a spec names it.

    Attributes:
        column: its name.
        alias: name of the join or lookup that it comes from; None for the table's own.
    """

    column: str
    alias: str | None = None

    def __str__(self) -> str:
        return self.column if self.alias is None else f"{self.alias}.{self.column}"


def parse_name(text: str) -> Name:
    """A column as written in a spec.

    Examples:
        >>> parse_name("stay.outtime")
        Name(column='outtime', alias='stay')
        >>> str(parse_name("hadm_id"))
        'hadm_id'
    """
    alias, dot, column = text.strip().partition(".")
    return Name(column, alias) if dot else Name(text.strip())


def parse_template(text: str, *, where: str) -> tuple[str | Name, ...]:
    """The pieces of a template: text and columns in turn.

    Args:
        text: as written in a spec.
        where: what to call the place in an error.

    Raises:
        InputError: a brace without its partner, or nothing between two.

    Examples:
        >>> [str(piece) for piece in parse_template("LAB//{itemid}", where="example")]
        ['LAB//', 'itemid']
        >>> parse_template("a {{b}}", where="example")
        ('a {b}',)
    """
    pieces: list[str | Name] = []
    literal = ""
    end = 0
    for brace in _BRACES.finditer(text):
        literal += text[end : brace.start()]
        end = brace.end()
        if brace[0] in ("{{", "}}"):
            literal += brace[0][0]
            continue
        if brace[1] is None or not brace[1].strip():
            raise InputError(
                f"the template '{text}' has a brace without its partner, or no column between two",
                where=where,
                remedy="write a column between braces, and {{ where a brace is meant",
            )
        pieces += [literal, parse_name(brace[1])] if literal else [parse_name(brace[1])]
        literal = ""
    literal += text[end:]
    return tuple([*pieces, literal] if literal or not pieces else pieces)
