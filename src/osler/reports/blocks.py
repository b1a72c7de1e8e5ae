"""What a section is made of: plain data that the template turns into HTML.

Strings are escaped by the template; a `Markup` is taken as it is, so build it with `say`, which escapes what
it is given. `files` names the run files that the numbers of a block come from.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from markupsafe import Markup

Files = tuple[str, ...]
Words = str | Markup


def say(template: str, *args: object) -> Markup:
    """Text with a little markup of our own; the values put into it are escaped.

    Examples:
        >>> str(say("<strong>{}</strong>", "a < b"))
        '<strong>a &lt; b</strong>'
    """
    return Markup(template).format(*args)


@dataclass(frozen=True)
class Point:
    """One sentence of a list, with the files it rests on."""

    text: Words
    files: Files = ()


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; `tone` is `body`, `lead` or `note`."""

    kind: ClassVar[str] = "paragraph"
    text: Words
    files: Files = ()
    tone: str = "body"


@dataclass(frozen=True)
class Points:
    """A list of sentences."""

    kind: ClassVar[str] = "points"
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Tile:
    """One large number: what it is, the number, and what stands beside it."""

    label: str
    value: str
    note: Words = ""
    files: Files = ()


@dataclass(frozen=True)
class Tiles:
    """A row of large numbers."""

    kind: ClassVar[str] = "tiles"
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 3


@dataclass(frozen=True)
class Column:
    """A column of a table; numbers are set right-aligned with figures of equal width."""

    title: Words
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A row of a table: the first cell heads it; `tone` is `body`, `group`, `strong` or `level`."""

    cells: tuple[Words | None, ...]
    tone: str = "body"


@dataclass(frozen=True)
class Table:
    """A table. A cell that is None was suppressed and is shown as a star."""

    kind: ClassVar[str] = "table"
    caption: Words
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    files: Files = ()
    notes: tuple[Words, ...] = ()

    @property
    def suppressed(self) -> bool:
        """Whether any cell was suppressed."""
        return any(cell is None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Figure:
    """An inline SVG; `gist` says in words what it shows, for those who cannot see it."""

    svg: Markup
    title: str
    gist: str
    caption: Words = ""
    files: Files = ()


@dataclass(frozen=True)
class Figures:
    """Figures side by side where there is room."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Step:
    """One stage of a flow: `tone` is `stay` (who is in) or `leave` (who goes, and why)."""

    label: Words
    count: str | None
    detail: Words = ""
    tone: str = "stay"


@dataclass(frozen=True)
class Flow:
    """Who came in, who left and why, who stayed."""

    kind: ClassVar[str] = "flow"
    caption: Words
    steps: tuple[Step, ...]
    files: Files = ()

    @property
    def suppressed(self) -> bool:
        """Whether any count was suppressed."""
        return any(step.count is None for step in self.steps)


@dataclass(frozen=True)
class Facts:
    """Names and their values."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, Words], ...]
    files: Files = ()


@dataclass(frozen=True)
class Callout:
    """Words that must not be missed; `tone` is `note` or `caution`."""

    kind: ClassVar[str] = "callout"
    text: Words
    tone: str = "note"
    files: Files = ()


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away on screen and open in print."""

    kind: ClassVar[str] = "details"
    summary: Words
    blocks: tuple["Block", ...]


@dataclass(frozen=True)
class Line:
    """One line of a patient's text with where it came from."""

    text: str
    origin: tuple[tuple[str, str, str], ...] = ()
    """Row, time and code of each source event."""


@dataclass(frozen=True)
class Record:
    """The text of one patient (private page only)."""

    kind: ClassVar[str] = "record"
    title: str
    facts: tuple[tuple[str, Words], ...]
    lines: tuple[Line, ...]
    files: Files = ()


Block = Paragraph | Points | Tiles | Heading | Table | Figures | Flow | Facts | Callout | Details | Record


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        name: its anchor, unique on the page.
        title: its heading, also in the table of contents.
        blocks: what it holds.
        volatile: `timings` or `environment` when it differs between two runs of the same study.
    """

    name: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
    volatile: str | None = None
