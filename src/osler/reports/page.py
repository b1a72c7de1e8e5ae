"""Sections in, one HTML page out."""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from osler.reports.blocks import Section, Words

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Page:
    """A page: its title, one sentence below it, and its sections in order."""

    title: str
    lead: Words
    sections: tuple[Section, ...]
    min_cell: int
    private: bool = False

    @property
    def style(self) -> Markup:
        """The style sheet."""
        return Markup((_TEMPLATES / "page.css").read_text(encoding="utf-8").strip())


def render(page: Page) -> str:
    """Render a page; every string that is not `Markup` is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html").render(page=page)
