"""The fixed text of a style between statements, with headings filled in."""

from dataclasses import dataclass

from osler.statements.book import Book
from osler.statements.spec import Style


@dataclass(frozen=True)
class GlueTexts:
    """The fixed texts of a style with the headings of a code book filled in.

    Attributes:
        first: [n_blocks] before the first statement of a text, by its block.
        change: [n_blocks] between the last statement of a block and the first of another, by the latter.
        between: between two statements of one block.
        end: after the last statement.
        empty: the text without statements.
    """

    first: tuple[str, ...]
    change: tuple[str, ...]
    between: str
    end: str
    empty: str

    @property
    def texts(self) -> list[str]:
        """All of them: first, change, between, end, empty."""
        return [*self.first, *self.change, self.between, self.end, self.empty]


def glue_texts(style: Style, book: Book) -> GlueTexts:
    """The glue of a style for the headings of a code book; one block without heading for plain lists."""
    glue = style.glue
    headings = book.headings if style.sections else ("",)
    opened = [glue.section_open.replace("{heading}", heading) for heading in headings]
    return GlueTexts(
        first=tuple(glue.open + text for text in opened),
        change=tuple(glue.section_close + glue.section_join + text for text in opened),
        between=glue.between,
        end=glue.section_close + glue.close,
        empty=glue.empty,
    )
