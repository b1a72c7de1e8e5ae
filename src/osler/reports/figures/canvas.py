"""A drawing surface: Matplotlib draws in reserved colours, which become CSS variables of the page.

So one static SVG serves light, dark and print. The size is that of a phone (360 units wide) and text stays
text, so labels are legible on small screens, selectable, and set in the page's own font.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 360
_POINTS_PER_INCH = 72

# Reserved colours: no figure uses them for anything else.
COLOURS = {
    "ink": "#0a0b01",
    "muted": "#0a0b02",
    "rule": "#0a0b03",
    "paper": "#0a0b04",
    "faint": "#0a0b05",
    "good": "#0a0b06",
    "bad": "#0a0b07",
    **{f"series-{number}": f"#0a0b1{number}" for number in range(1, 9)},
}
SERIES = tuple(name for name in COLOURS if name.startswith("series-"))

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "osler",
    "svg.image_inline": True,
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["rule"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.labelsize": 10.5,
    "axes.facecolor": "none",
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "xtick.color": COLOURS["rule"],
    "ytick.color": COLOURS["rule"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "lines.linewidth": 1.9,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
}


class Drawing:
    """Axes to draw on; `svg` is there after the `with` block of `drawing`."""

    def __init__(self, axes: "Axes") -> None:
        self.axes = axes
        self.svg = Markup("")


@contextmanager
def drawing(
    name: str,
    *,
    title: str,
    gist: str,
    height: float,
    width: float = WIDTH,
    margins: tuple[float, float, float, float] = (46, 10, 10, 40),
) -> Iterator[Drawing]:
    """Open a drawing.

    Args:
        name: unique on the page; ids inside the SVG begin with it.
        title: what the figure is.
        gist: what it shows, in words.
        height: in units of the view box.
        width: in units of the view box; 360 fits a phone one to one.
        margins: left, right, top, bottom around the axes, in the same units.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    left, right, top, bottom = margins
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "svg", **_STYLE}):
        figure = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), dpi=_POINTS_PER_INCH)
        axes = figure.add_axes(
            (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
        )
        surface = Drawing(axes)
        yield surface
        buffer = io.StringIO()
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    surface.svg = _as_inline(buffer.getvalue(), name=name, title=title, gist=gist)


def _as_inline(svg: str, *, name: str, title: str, gist: str) -> Markup:
    """Turn a Matplotlib SVG file into an inline element without colours, fonts and addresses of its own."""
    match = re.search(r'<svg[^>]*viewBox="([^"]+)"[^>]*>(.*)</svg>', svg, re.DOTALL)
    assert match is not None
    box, body = match.groups()
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'font-family: [^;"]*(; )?', "", body)
    body = body.replace("xlink:href=", "href=").replace("font: ", "font-size: ")
    body = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    body = _own_ids(body, name)
    for role, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{role})")
    body = re.sub(r"<defs>\s*</defs>", "", body)
    body = re.sub(r">\s+<", "><", body)
    for _ in range(4):
        body = re.sub(r"<g>\s*</g>", "", body)
    head = (
        f'<svg viewBox="{box}" role="img" aria-labelledby="{name}-title {name}-gist">'
        f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-gist">{escape(gist)}</desc>'
    )
    return Markup(head + body.strip() + "</svg>")


def _own_ids(body: str, name: str) -> str:
    """Keep only ids that are referred to, and make them unique on the page."""
    used = list(dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^)"]+)', body)))
    names = {old: f"{name}-{number}" for number, old in enumerate(used)}

    def define(match: re.Match[str]) -> str:
        old = match.group(1)
        return f' id="{names[old]}"' if old in names else ""

    body = re.sub(r' id="([^"]+)"', define, body)
    return re.sub(r'(url\(#|href="#)([^)"]+)', lambda match: match.group(1) + names[match.group(2)], body)
