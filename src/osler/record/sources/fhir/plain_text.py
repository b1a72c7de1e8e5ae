"""HTML as plain text: blocks on lines of their own, cells apart, nothing that a reader would not see."""

import re
from html.parser import HTMLParser

_HIDDEN = {"script", "style", "head", "template", "noscript"}
_LINES = {
    "address", "article", "aside", "body", "caption", "center", "dd", "details", "div", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hr", "html", "legend", "li", "main", "nav", "option",
    "summary", "tbody", "tfoot", "thead", "tr",
}  # fmt: skip
_PARAGRAPHS = {
    "blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "section", "table", "ul",
}  # fmt: skip
_CELLS = {"td", "th"}
_LINE, _PARAGRAPH = 1, 2  # line breaks


def html_to_text(html: str) -> str:
    """The text that a reader of the page sees.

    Args:
        html: HTML or XHTML, whole or a piece, well-formed or not.

    Returns:
        Lines without blanks at their ends; cells of a row are parted by tabs, paragraphs by an empty line.

    Examples:
        >>> html_to_text("<h1>Plan</h1><p>Aspirin<br>75&nbsp;mg</p><table><tr><td>Na</td><td>140</td></tr>")
        'Plan\\n\\nAspirin\\n75 mg\\n\\nNa\\t140'
    """
    page = _Page()
    page.feed(html)
    page.close()
    lines = (_tidy(line) for line in "".join(page.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _tidy(line: str) -> str:
    line = re.sub(r"[ \xa0\r\f\v]+", " ", line)
    return re.sub(r" ?\t ?", "\t", line).strip(" ").rstrip()


class _Page(HTMLParser):
    """Collects what is seen."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._gap = 0  # line breaks before the next text
        self._hidden: list[str] = []
        self._as_written = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            self._hidden.clear()  # a head may be left open
        self._break(tag)
        if tag in _HIDDEN:
            self._hidden.append(tag)
        if tag == "pre":
            self._as_written += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # XHTML closes what holds nothing: `<br/>`, but also `<script src="..."/>`.
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:
            del self._hidden[self._hidden.index(tag) :]
        if tag == "pre":
            self._as_written = max(0, self._as_written - 1)
        if tag in _CELLS:
            self._say("\t")
        elif tag != "br":
            self._break(tag)

    def handle_data(self, data: str) -> None:
        said = data if self._as_written else re.sub(r"[ \t\r\n\f\v]+", " ", data)
        if said.strip(" ") or not self._gap:
            self._say(said)

    def _say(self, said: str) -> None:
        if not self._hidden:
            self.parts.append("\n" * self._gap + said)
            self._gap = 0

    def _break(self, tag: str) -> None:
        if self._hidden:
            return
        if tag == "br":
            self._gap += _LINE
        elif tag in _LINES or tag in _PARAGRAPHS:
            self._gap = max(self._gap, _LINE if tag in _LINES else _PARAGRAPH)
