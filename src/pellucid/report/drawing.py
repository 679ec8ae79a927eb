"""SVG that is right on a light and on a dark ground.

Each picture is drawn twice, on either ground. The two texts differ in their colours
only; where they do, the page has a CSS variable with both.
"""

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.plots.diagram_scene import GROUND
from pellucid.report.markup import Markup, tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_IMAGE = re.compile(r"<image\b[^>]*>")
_LARGE, _HUGE = 1e4, 1e9  # between them the digits of a number are grouped
_STEPS = (1, 2, 2.5, 5, 10)  # between their ticks, times a power of ten
_TICKS = 4  # intervals for which such numbers have room side by side
_MARKS = re.compile(r'<use [^>]*( style="[^"]*")/>(\s*<use [^>]*\1/>)+')
_ID = re.compile(r' id="([^"]*)"')


class Colours:
    """The colours of a page that are not the same on a light and on a dark ground."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def pair(self, light: str, dark: str) -> str:
        """Return what stands for a colour in CSS.

        Parameters
        ----------
        light, dark : str
            On a light and on a dark ground, such as ``"#0072B2"``.

        Returns
        -------
        str
        """
        if light.lower() == dark.lower():
            return light
        name = self._names.setdefault((light, dark), f"--c{len(self._names)}")
        return f"var({name})"

    def rules(self) -> str:
        """Return the CSS that gives the variables their values."""
        light, dark = (
            "".join(f"{name}:{pair[side]};" for pair, name in self._names.items())
            for side in (0, 1)
        )
        return (
            f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        )


class Drawing:
    """Draws pictures for one page.

    Attributes
    ----------
    colours : Colours
        What the page's style must define.
    """

    def __init__(self) -> None:
        self.colours = Colours()
        self._drawn = 0

    def draw(
        self,
        picture: Callable[["Axes"], Any],
        description: str,
        size: tuple[float, float] = (5.4, 3.0),
    ) -> Markup:
        """Return a picture as SVG.

        Parameters
        ----------
        picture : callable
            Draws into the Axes that it is given.
        description : str
            What there is to see, for those who do not.
        size : (float, float)
            Width and height, in inches.

        Returns
        -------
        Markup
        """
        self._drawn += 1
        light, dark = (
            _clean(_render(picture, size, GROUND[side]), f"p{self._drawn}")
            for side in (False, True)
        )
        attributes = {"class_": "plot", "role": "img", "aria_label": description}
        wide, high = (72 * length for length in size)
        return tag(
            "svg",
            Markup(_together(self._merge(light, dark))),
            **attributes,
            viewBox=f"0 0 {wide:g} {high:g}",
            width=f"{wide / 0.75:g}",
        )

    def _merge(self, light: str, dark: str) -> str:
        """Return one text for both grounds."""
        images = zip(_IMAGE.findall(light), _IMAGE.findall(dark), strict=True)
        both = iter(
            one
            if one == other
            else f'<g class="light">{one}</g><g class="dark">{other}</g>'
            for one, other in images
        )
        light, dark = (_IMAGE.sub("<image>", text) for text in (light, dark))
        colours = zip(_COLOUR.findall(light), _COLOUR.findall(dark), strict=True)
        names = iter([self.colours.pair(*pair) for pair in colours])
        merged = _COLOUR.sub(lambda found: next(names), light)
        return re.sub("<image>", lambda found: next(both), merged)


def _render(
    picture: Callable[["Axes"], Any], size: tuple[float, float], ground: dict[str, str]
) -> str:
    """Return the SVG that matplotlib writes."""
    from matplotlib.figure import Figure
    from matplotlib.style import context

    ink = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color")
    style: dict[str, Any] = {
        **dict.fromkeys((*ink, "ytick.color"), ground["ink"]),
        "axes.facecolor": ground["paper"],
        "figure.facecolor": ground["paper"],
        "image.interpolation": "none",  # few pixels, which the browser smooths
        "svg.fonttype": "none",
        "svg.hashsalt": "pellucid",
    }
    buffer = io.StringIO()
    # A report looks the same whatever the user's style is.
    with context(["default", style]):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        picture(axes)
        _group_digits(axes)
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return buffer.getvalue()


def _group_digits(axes: "Axes") -> None:
    """Write large numbers beside an axis as in the text: 250,000."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter, StrMethodFormatter

    for axis in (axes.xaxis, axes.yaxis):
        plain = type(axis.get_major_formatter()) is ScalarFormatter
        largest = max(map(abs, axis.get_view_interval()))
        if plain and _LARGE <= largest < _HUGE:
            axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
            most = _TICKS if axis is axes.xaxis else 2 * _TICKS
            axis.set_major_locator(MaxNLocator(most, steps=_STEPS))


def _rounded(tag: re.Match[str]) -> str:
    """Return a tag with coordinates to a hundredth of a point."""
    return re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}", tag[0])


def _together(svg: str) -> str:
    """Say once how marks look that follow each other and look the same."""
    return _MARKS.sub(lambda run: f"<g{run[1]}>{run[0].replace(run[1], '')}</g>", svg)


def _clean(svg: str, prefix: str) -> str:
    """Return what is inside an SVG, with names that are its own on the page."""
    inside = svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
    inside = re.sub(
        "<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->",
        "",
        inside,
        flags=re.DOTALL,
    )
    inside = inside.replace("xlink:href", "href")
    inside = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", inside)
    inside = re.sub("<[^>]*>", _rounded, inside)  # in tags, never in text
    inside = re.sub(r' transform="rotate\(-0 [^"]*"', "", inside)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', inside))
    names: dict[str, str] = {}

    def rename(found: re.Match[str]) -> str:
        if found[1] not in used:
            return ""
        names[found[1]] = f"{prefix}-{len(names)}"
        return f' id="{names[found[1]]}"'

    inside = _ID.sub(rename, inside)
    inside = re.sub(
        r'(href="#|url\(#)([^")]+)', lambda m: m[1] + names.get(m[2], m[2]), inside
    )
    return re.sub(r"\s*\n\s*", "\n", inside).strip()
